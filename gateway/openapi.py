"""The OpenAPI 3.1 document of everything the gateway offers, derived from the contracts. Called by gateway.render."""

from __future__ import annotations

import json
import re
from pathlib import Path

from gateway.contracts import Binding, Contracts, Method
from gateway.envoy_types import Json
from gateway.openapi_schemas import Schemas
from gateway.routes_table import guard_of
from marketmesh.options.v1 import policy_pb2

_HTTP_BODY = "google.api.HttpBody"
# The reference page sends a fresh one in its place.
_KEY = "3f0c1b7e-5d0a-4c59-9f7e-2b8f4f6a1c11"
_EXAMPLES = Path(__file__).with_name("examples.json")
_VARIABLE = re.compile(r"\{([^}=]+)(?:=[^}]*)?\}")
_ABOUT = """REST face of the Marketmesh services. JSON keeps snake_case names and prints default values.

64-bit integers (all amounts in minor units, `*_cents`) are JSON strings. Enum values are words. Lists are paged with
`limit` and an opaque `cursor`. Errors are `google.rpc.Status` with exactly one `ErrorInfo` whose `reason` is stable.
Tokens travel in the response headers `x-access-token` and `x-refresh-token`. `/v1/...` is accepted for
`/api/v1/...`, and `/api/admin/v1/...` for `/api/v1/admin/...`."""
_TOKEN_HEADERS = ("x-access-token", "x-refresh-token")
_LICENSE: Json = {"name": "Apache 2.0", "identifier": "Apache-2.0"}
_HEADERS: Json = {
    "x-request-id": {"schema": {"type": "string"}, "description": "The caller's id, or a generated one"},
    "x-idempotent-replay": {
        "schema": {"type": "string", "const": "true"},
        "description": "Set when a stored answer was repeated",
    },
    "x-access-token": {"schema": {"type": "string"}, "description": "Goes into `Authorization: Bearer …`"},
    "x-refresh-token": {"schema": {"type": "string"}, "description": "Good for one refresh"},
    "content-disposition": {"schema": {"type": "string"}, "description": "The name to save it under"},
    "x-next-cursor": {"schema": {"type": "string"}, "description": "Where the next part begins; absent on the last"},
    "retry-after": {"schema": {"type": "integer"}, "description": "Seconds to wait before the next try"},
}
_SUCCESS = {200: "Done", 201: "Created", 202: "Accepted; it is carried out later", 204: "Done; the answer is empty"}
_ERROR_TEXTS = {
    "400": "A field is wrong; `BadRequest` names it.",
    "401": "No token, not a valid one, or wrong credentials; `metadata.cause` says which.",
    "403": "This account or store may not.",
    "404": "No such thing, or not yours.",
    "409": "The state of the thing, or another writer, forbids it.",
    "413": "The body is larger than this call takes.",
    "414": "The address is longer than 8 KiB.",
    "415": "The body is of another type, or compressed.",
    "429": "Too often; see Retry-After.",
    "431": "The headers are larger than 24 KiB.",
    "500": "A defect of ours; the request id finds it in our logs.",
    "503": "A part is down or full; see Retry-After. Whether it was done is unknown: repeat it with the same key.",
    "504": "No answer in time. Whether it was done is unknown: repeat it with the same key.",
}
_WITH_BODY = ("413", "415")
_RETRIED = ("429", "503", "504")


def read_examples() -> Json:
    """Return a real request and answer of every RPC, by its path; tests/contracts/test_examples.py writes them."""
    found: Json = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    return found


def build_openapi(*, contracts: Contracts, examples: Json | None = None) -> Json:
    """Return the document, with `examples` as `read_examples` gives them."""
    schemas, examples = Schemas(contracts), examples or {}
    paths: Json = {}
    for method in contracts.methods:
        for index, binding in enumerate(method.bindings):
            path = _VARIABLE.sub(r"{\1}", binding.path)
            operation = _operation(method, binding, index, contracts, schemas)
            _exemplify(operation, binding, examples.get(method.grpc_path[1:], {}))
            paths.setdefault(path, {})[binding.verb.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Marketmesh", "version": "1", "description": _ABOUT, "license": _LICENSE},
        "servers": [{"url": "/", "description": "The gateway that serves this document"}],
        "tags": [{"name": owner, "description": f"Served by {owner}."} for owner in contracts.owners],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**schemas.used_by(paths), **_error_schemas(contracts)},
            "headers": _HEADERS,
            "responses": {f"Error{status}": _error_response(status, text) for status, text in _ERROR_TEXTS.items()},
            "securitySchemes": _security_schemes(contracts),
        },
    }


def _operation(method: Method, binding: Binding, index: int, contracts: Contracts, schemas: Schemas) -> Json:
    in_path = [_top(name) for name in _VARIABLE.findall(binding.path)]
    operation: Json = {
        "operationId": _operation_id(method, index, contracts),
        "tags": [method.owner],
        "summary": _words(method.name),
        "description": "\n\n".join(
            part for part in (method.comment, _policy_text(method), _reasons_text(method, contracts)) if part
        ),
        "parameters": _parameters(method, binding, in_path, contracts, schemas),
        "responses": _responses(method, binding, contracts, schemas),
        "x-rpc": method.grpc_path[1:],
    }
    if binding.body:
        operation["requestBody"] = _request_body(method, binding, in_path, contracts, schemas)
    # Empty says that nobody need sign in; without it a reader would have to guess.
    operation["security"] = [{audience.removeprefix("marketmesh."): []} for audience in method.audiences]
    return {key: value for key, value in operation.items() if value != [] or key == "security"}


def _exemplify(operation: Json, binding: Binding, example: Json) -> None:
    """Fill an operation with what a real call said and was answered."""
    said = example.get("request", {})
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "header" and not isinstance(said.get(parameter["name"]), (dict, list, type(None))):
            parameter["example"] = said[parameter["name"]]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and said:
        in_path = {_top(name) for name in _VARIABLE.findall(binding.path)}
        body["example"] = (
            {name: value for name, value in said.items() if name not in in_path}
            if binding.body == "*"
            else said.get(binding.body)
        )
    for answer in operation["responses"].values():
        content = answer.get("content", {}).get("application/json")
        if content is not None and "response" in example and not binding.response_body:
            content["example"] = example["response"]


def _operation_id(method: Method, index: int, contracts: Contracts) -> str:
    """Return the RPC's name as clients name a function, with its service where two have the same."""
    alike = [each for each in contracts.methods if each.name == method.name]
    name = method.name if len(alike) == 1 else method.service.rsplit(".", 1)[1].removesuffix("Service") + method.name
    return name[:1].lower() + name[1:] + (str(index + 1) if index else "")


def _parameters(
    method: Method, binding: Binding, in_path: list[str], contracts: Contracts, schemas: Schemas
) -> list[Json]:
    found = []
    for index, field in enumerate(contracts.messages[method.input_type][0].field):
        if field.name in in_path:
            found.append(_parameter(field.name, "path", schemas.field(method.input_type, index)))
        elif not binding.body:
            found.append(_parameter(field.name, "query", schemas.field(method.input_type, index)))
    if method.takes_idempotency_key:
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        text = "A fresh unique value for each intended effect; repeat it to repeat the answer."
        key = {**_parameter("Idempotency-Key", "header", schema), "required": True, "description": text}
        found.append({**key, "example": _KEY})
    return found


def _parameter(name: str, where: str, schema: Json) -> Json:
    description = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": where, "required": where == "path", **description, "schema": schema}


def _request_body(method: Method, binding: Binding, in_path: list[str], contracts: Contracts, schemas: Schemas) -> Json:
    fields = contracts.messages[method.input_type][0].field
    if binding.body != "*":
        index = next(index for index, field in enumerate(fields) if field.name == binding.body)
        if fields[index].type_name.lstrip(".") == _HTTP_BODY:
            return {"required": True, "content": {kind: {"schema": _raw(kind)} for kind in method.policy.takes_types}}
        schema = schemas.field(method.input_type, index)
    elif in_path:
        schema = _without(method, in_path, contracts, schemas)
    else:
        schema = schemas.reference(method.input_type)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _without(method: Method, in_path: list[str], contracts: Contracts, schemas: Schemas) -> Json:
    schemas.reference(method.input_type)
    whole = schemas.components[schemas.reference(method.input_type)["$ref"].rsplit("/", 1)[1]]
    properties = {name: schema for name, schema in whole["properties"].items() if name not in in_path}
    required = [name for name in whole.get("required", []) if name not in in_path]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _answer(method: Method, binding: Binding, contracts: Contracts, schemas: Schemas) -> Json:
    schema, kind = schemas.reference(method.output_type), method.output_type
    if binding.response_body:
        fields = contracts.messages[method.output_type][0].field
        index = next(index for index, field in enumerate(fields) if field.name == binding.response_body)
        schema, kind = schemas.field(method.output_type, index), fields[index].type_name.lstrip(".")
    if kind == _HTTP_BODY:
        return {method.policy.gives_type: {"schema": _raw(method.policy.gives_type)}}
    return {"application/json": {"schema": schema}}


def _raw(kind: str) -> Json:
    if kind == "multipart/form-data":
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        return {"type": "object", "properties": {"file": file}, "required": ["file"]}
    return {"type": "object"} if kind == "application/json" else {"type": "string"}


def _responses(method: Method, binding: Binding, contracts: Contracts, schemas: Schemas) -> Json:
    status = method.policy.success_status or 200
    done: Json = {"description": _SUCCESS[status], "headers": _header_references(_headers_of(method))}
    if status != 204:
        done["content"] = _answer(method, binding, contracts, schemas)
    left_out = () if binding.body else _WITH_BODY
    errors = {each: {"$ref": f"#/components/responses/Error{each}"} for each in _ERROR_TEXTS if each not in left_out}
    return {str(status): done, **errors}


def _headers_of(method: Method) -> list[str]:
    names = ["x-request-id"]
    if method.takes_idempotency_key:
        names.append("x-idempotent-replay")
    if method.policy.hands_out_tokens:
        names += _TOKEN_HEADERS
    if method.policy.gives_type == "text/csv":
        names += ["content-disposition", "x-next-cursor"]
    return names


def _header_references(names: list[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _error_response(status: str, text: str) -> Json:
    schema = {"$ref": "#/components/schemas/google.rpc.Status"}
    names = ["x-request-id", *(["retry-after"] if status in _RETRIED else [])]
    return {
        "description": text,
        "headers": _header_references(names),
        "content": {"application/json": {"schema": schema}},
    }


def _error_schemas(contracts: Contracts) -> Json:
    text = "Stable reasons:\n" + "\n".join(
        f"- `{name}` ({spec.code}{', retryable' if spec.retryable else ''}): {spec.fix}"
        for name, spec in sorted(contracts.reasons.items())
    )
    info = {
        "type": "object",
        "required": ["@type", "reason", "domain"],
        "properties": {
            "@type": {"const": "type.googleapis.com/google.rpc.ErrorInfo"},
            "reason": {"type": "string", "description": text},
            "domain": {"type": "string"},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    detail = {"anyOf": [{"$ref": "#/components/schemas/google.rpc.ErrorInfo"}, {"type": "object"}]}
    status = {
        "type": "object",
        "required": ["code", "message", "details"],
        "properties": {
            "code": {"type": "integer", "description": "Canonical gRPC status code"},
            "message": {"type": "string"},
            "details": {"type": "array", "items": detail},
        },
    }
    return {"google.rpc.ErrorInfo": info, "google.rpc.Status": status}


def _security_schemes(contracts: Contracts) -> Json:
    names = sorted({audience for method in contracts.methods for audience in method.audiences})
    return {
        name.removeprefix("marketmesh."): {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": f"Access token with audience `{name}`",
        }
        for name in names
    }


def _policy_text(method: Method) -> str:
    parts = [f"Guard: {guard_of(method)}."]
    if method.takes_idempotency_key:
        critical = method.policy.idempotency == policy_pb2.IDEMPOTENCY_KEY_CRITICAL
        parts.append(f"Answers are kept {'7 days' if critical else '24 hours'} per Idempotency-Key.")
    if method.policy.rate_limit:
        parts.append(f"Rate limit: `{method.policy.rate_limit}`.")
    return " ".join(parts)


def _reasons_text(method: Method, contracts: Contracts) -> str:
    own = sorted(name for name, spec in contracts.reasons_of(method.owner).items() if spec.code)
    return (
        f"Reasons of {method.owner}, besides the common ones: {', '.join(f'`{name}`' for name in own)}." if own else ""
    )


def _top(variable: str) -> str:
    return variable.split(".", 1)[0]


def _words(name: str) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
    return words[:1].upper() + words[1:]
