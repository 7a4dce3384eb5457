"""The OpenAPI 3.1 document of everything the gateway offers, derived from the contracts. Called by gateway.render."""

from __future__ import annotations

import re

from gateway.contracts import Binding, Contracts, Method
from gateway.envoy_types import Json
from gateway.openapi_schemas import Schemas
from gateway.routes_table import guard_of
from marketmesh.options.v1 import policy_pb2

_HTTP_BODY = "google.api.HttpBody"
_VARIABLE = re.compile(r"\{([^}=]+)(?:=[^}]*)?\}")
_ABOUT = """REST face of the Marketmesh services. JSON keeps snake_case names and prints default values.

64-bit integers (all amounts in minor units, `*_cents`) are JSON strings. Enum values are words. Lists are paged with
`limit` and an opaque `cursor`. Errors are `google.rpc.Status` with exactly one `ErrorInfo` whose `reason` is stable.
Tokens travel in the response headers `x-access-token` and `x-refresh-token`. `/v1/...` is accepted for
`/api/v1/...`, and `/api/admin/v1/...` for `/api/v1/admin/...`."""
_HEADERS: Json = {
    "x-request-id": {"schema": {"type": "string"}, "description": "The caller's id, or a generated one"},
    "x-idempotent-replay": {"schema": {"const": "true"}, "description": "Set when a stored answer was repeated"},
}
_ERROR_TEXTS = {
    "400": "A field is wrong; `BadRequest` names it.",
    "401": "No token, or not a valid one; `metadata.cause` says which.",
    "403": "This account or store may not.",
    "404": "No such thing, or not yours.",
    "409": "The state of the thing, or another writer, forbids it.",
    "429": "Too often; see Retry-After.",
    "503": "A dependency is down; see Retry-After.",
}


def build_openapi(*, contracts: Contracts) -> Json:
    """Return the document."""
    schemas = Schemas(contracts)
    paths: Json = {}
    for method in contracts.methods:
        for index, binding in enumerate(method.bindings):
            path = _VARIABLE.sub(r"{\1}", binding.path)
            operation = _operation(method, binding, index, contracts, schemas)
            paths.setdefault(path, {})[binding.verb.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Marketmesh", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": owner} for owner in contracts.owners],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**dict(sorted(schemas.components.items())), **_error_schemas(contracts)},
            "headers": _HEADERS,
            "responses": {f"Error{status}": _error_response(text) for status, text in _ERROR_TEXTS.items()},
            "securitySchemes": _security_schemes(contracts),
        },
    }


def _operation(method: Method, binding: Binding, index: int, contracts: Contracts, schemas: Schemas) -> Json:
    in_path = [_top(name) for name in _VARIABLE.findall(binding.path)]
    short = method.service.rsplit(".", 1)[1]
    operation: Json = {
        "operationId": f"{short}_{method.name}" + (f"_{index + 1}" if index else ""),
        "tags": [method.owner],
        "summary": _words(method.name),
        "description": "\n\n".join(part for part in (method.comment, _policy_text(method)) if part),
        "parameters": _parameters(method, binding, in_path, contracts, schemas),
        "responses": _responses(method, binding, contracts, schemas),
        "x-rpc": method.grpc_path[1:],
    }
    if binding.body:
        operation["requestBody"] = _request_body(method, binding, in_path, contracts, schemas)
    if method.audiences:
        operation["security"] = [{audience.removeprefix("marketmesh."): []} for audience in method.audiences]
    return {key: value for key, value in operation.items() if value != []}


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
        found.append({**_parameter("Idempotency-Key", "header", schema), "required": True, "description": text})
    return found


def _parameter(name: str, where: str, schema: Json) -> Json:
    description = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": where, "required": where == "path", **description, "schema": schema}


def _request_body(method: Method, binding: Binding, in_path: list[str], contracts: Contracts, schemas: Schemas) -> Json:
    fields = contracts.messages[method.input_type][0].field
    if binding.body != "*":
        index = next(index for index, field in enumerate(fields) if field.name == binding.body)
        if fields[index].type_name.lstrip(".") == _HTTP_BODY:
            return {"required": True, "content": {"*/*": {"schema": {"description": "Raw bytes, kept as they are"}}}}
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
        return {"*/*": {"schema": {"description": "As content-type says"}}}
    return {"application/json": {"schema": schema}}


def _responses(method: Method, binding: Binding, contracts: Contracts, schemas: Schemas) -> Json:
    content = _answer(method, binding, contracts, schemas)
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    if not method.takes_idempotency_key:
        headers.pop("x-idempotent-replay")
    statuses = [status for status in _ERROR_TEXTS if method.audiences or status not in ("401", "403")]
    errors = {status: {"$ref": f"#/components/responses/Error{status}"} for status in statuses}
    return {"200": {"description": "Done", "headers": headers, "content": content}, **errors}


def _error_response(text: str) -> Json:
    schema = {"$ref": "#/components/schemas/google.rpc.Status"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


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


def _top(variable: str) -> str:
    return variable.split(".", 1)[0]


def _words(name: str) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
    return words[:1].upper() + words[1:]
