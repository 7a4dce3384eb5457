"""Envoy's own refusals in the shape the services use: google.rpc.Status with exactly one ErrorInfo.

A REST caller gets it as JSON, a gRPC caller as grpc-status with grpc-status-details-bin. Called by gateway.listener.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.envoy_types import Json, typed

DOMAIN = "gateway.marketmesh"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_CEL = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
# For every time-out and unreachable service: Envoy cannot know whether the service had carried the call out.
_REPEAT = "whether it was done is unknown, so repeat it with the same Idempotency-Key"
# Envoy's text about what is wrong, in the form it will be sent.
TEXT = "%LOCAL_REPLY_BODY%"


@dataclass(frozen=True)
class LocalReply:
    """One kind of refusal: when it applies (a CEL expression) and what the caller gets."""

    when: str
    reason: str
    status: int
    code: int
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violation: str = ""
    retry_after: bool = False
    rest_only: bool = False


def build_local_reply_config(*, owners: tuple[str, ...], body_bytes_max: int) -> Json:
    """Return the mappers; the first that applies decides."""
    replies = local_replies(owners=owners, body_bytes_max=body_bytes_max)
    mappers = [mapper for reply in replies for mapper in _mappers(reply)]
    return {"mappers": [_ready_mapper(), *_strict_mappers(), *mappers]}


def local_replies(*, owners: tuple[str, ...], body_bytes_max: int) -> list[LocalReply]:
    """Return every kind of refusal, in the order in which they apply."""
    return [*_token_replies(), *_limit_replies(body_bytes_max), *_upstream_replies(owners), *_FALLBACKS]


def _token_replies() -> list[LocalReply]:
    down = "the public keys are not available yet"
    causes = {
        "Jwt_is_missing": ("token_missing", "an access token is needed"),
        "Jwt_is_expired": ("token_expired", "the access token has expired"),
        "Audiences": ("token_audience", "the access token is for another surface"),
        "Jwt": ("token_invalid", "the access token is not valid"),
    }
    unfetched = LocalReply(
        when="response.code_details.startsWith('jwt_authn') && response.code_details.contains('Jwks')"
        " && response.code_details.contains('fetch')",
        reason="DEPENDENCY_ERROR", status=503, code=code_pb2.UNAVAILABLE, message=down,
        metadata={"dependency": "identity"}, retry_after=True,
    )  # fmt: skip
    refused = [
        LocalReply(
            when=f"response.code_details.startsWith('jwt_authn') && response.code_details.contains('{text}')",
            reason="UNAUTHORIZED", status=401, code=code_pb2.UNAUTHENTICATED, message=message,
            metadata={"cause": cause},
        )
        for text, (cause, message) in causes.items()
    ]  # fmt: skip
    return [unfetched, *refused]


def _limit_replies(body_bytes_max: int) -> list[LocalReply]:
    return [
        LocalReply(
            when="response.code == 429", reason="RATE_LIMIT_EXCEEDED", status=429, code=code_pb2.RESOURCE_EXHAUSTED,
            message="too many requests; wait as long as Retry-After says", metadata={"bucket": "gateway"},
            retry_after=True,
        ),
        LocalReply(
            # More than fits into memory; a route's own limit is answered by gateway.strict.
            when="response.code == 413", reason="VALIDATION_ERROR", status=400, code=code_pb2.INVALID_ARGUMENT,
            message=f"the body is larger than {body_bytes_max} bytes",
            metadata={"field": "body", "limit_bytes": str(body_bytes_max)},
            violation=f"must be at most {body_bytes_max} bytes", rest_only=True,
        ),
        LocalReply(
            when="response.code == 431", reason="VALIDATION_ERROR", status=431, code=code_pb2.INVALID_ARGUMENT,
            message="the address and the headers are larger than 60 KiB together", metadata={"field": "headers"},
            violation="must be at most 24 KiB together",
        ),
        LocalReply(
            when="response.code == 404", reason="NOT_FOUND", status=404, code=code_pb2.UNIMPLEMENTED,
            message="no such route",
        ),
        LocalReply(
            when="response.code == 400 && response.code_details.contains('grpc_json_transcode')",
            reason="VALIDATION_ERROR", status=400, code=code_pb2.INVALID_ARGUMENT, message=TEXT, violation=TEXT,
            rest_only=True,
        ),
    ]  # fmt: skip


def _upstream_replies(owners: tuple[str, ...]) -> list[LocalReply]:
    found = []
    for owner in owners:
        at_owner = f"request.path.startsWith('/marketmesh.{owner}.')"
        kinds = (("response.code == 504", 504, code_pb2.DEADLINE_EXCEEDED, f"no answer in time; {_REPEAT}"),
                 ("response.code >= 500", 503, code_pb2.UNAVAILABLE, f"{owner} is not available; {_REPEAT}"))  # fmt: skip
        found += [
            LocalReply(
                when=f"{condition} && {at_owner}", reason="DEPENDENCY_ERROR", status=status, code=code,
                message=message, metadata={"dependency": owner}, retry_after=True,
            )
            for condition, status, code, message in kinds
        ]  # fmt: skip
    return found


_FALLBACKS = (
    LocalReply(when="response.code == 408 || response.code == 504", reason="DEPENDENCY_ERROR", status=504,
               code=code_pb2.DEADLINE_EXCEEDED, message=f"time-out; {_REPEAT}", metadata={"dependency": "gateway"},
               retry_after=True),
    LocalReply(when="response.code >= 500", reason="DEPENDENCY_ERROR", status=503, code=code_pb2.UNAVAILABLE,
               message="not ready", metadata={"dependency": "mesh"}, retry_after=True),
    LocalReply(when="response.code >= 400", reason="VALIDATION_ERROR", status=400, code=code_pb2.INVALID_ARGUMENT,
               message="the request is not well-formed HTTP", metadata={"field": "request"}),
)  # fmt: skip


def _ready_mapper() -> Json:
    body = {"json_format": {"status": "ready"}}
    return {
        "filter": _cel("response.code == 200 && request.path == '/health/ready'"),
        "body_format_override": body,
    }


def _strict_mappers() -> list[Json]:
    """Return how the refusals of gateway.strict go out: it writes whole answers for REST, and one line for gRPC."""
    refused = "response.code_details == 'lua_response' && response.code != 404 && response.code < 500"
    reply = LocalReply(
        when=refused, reason="VALIDATION_ERROR", status=400, code=code_pb2.INVALID_ARGUMENT, message=TEXT
    )
    whole = {"text_format_source": {"inline_string": TEXT}, "content_type": "application/json"}
    return [_grpc_mapper(reply), {"filter": _cel(refused), "body_format_override": whole}]


def _mappers(reply: LocalReply) -> list[Json]:
    if reply.rest_only:
        return [_rest_mapper(reply)]
    return [_grpc_mapper(reply), _rest_mapper(reply)]


def _rest_mapper(reply: LocalReply) -> Json:
    return {
        "filter": _cel(reply.when),
        "status_code": reply.status,
        "headers_to_add": _retry_after(reply),
        "body_format_override": {"json_format": _status_json(reply), "content_type": "application/json"},
    }


def _grpc_mapper(reply: LocalReply) -> Json:
    trailers = {"grpc-status": str(reply.code), "grpc-status-details-bin": _details(reply)}
    return {
        "filter": {"and_filter": {"filters": [_cel(reply.when), *_CALLED_AS_GRPC]}},
        "headers_to_add": [*_retry_after(reply), *(_header(name, value) for name, value in trailers.items())],
        "body_format_override": {"text_format_source": {"inline_string": reply.message}},
    }


# The transcoder relabels REST requests as gRPC, but leaves their original path; a caller cannot send that header.
_CALLED_AS_GRPC: list[Json] = [
    {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}},
    {"header_filter": {"header": {"name": "x-envoy-original-path", "present_match": False}}},
]


def _status_json(reply: LocalReply) -> Json:
    details: list[Json] = [
        {"@type": _ERROR_INFO, "reason": reply.reason, "domain": DOMAIN, "metadata": dict(reply.metadata)}
    ]
    if reply.violation:
        where = reply.metadata.get("field", "")
        details.append({"@type": _BAD_REQUEST, "field_violations": [{"field": where, "description": reply.violation}]})
    # REST callers see NOT_FOUND where gRPC's own word for an unknown method is UNIMPLEMENTED.
    code = code_pb2.NOT_FOUND if reply.status == 404 else reply.code
    return {"code": code, "message": reply.message, "details": details}


def _details(reply: LocalReply) -> str:
    status = status_pb2.Status(code=reply.code, message="" if reply.message == TEXT else reply.message)
    info = error_details_pb2.ErrorInfo(reason=reply.reason, domain=DOMAIN, metadata=dict(reply.metadata))
    status.details.add().Pack(info)
    # gRPC's -bin headers carry unpadded base64.
    return base64.b64encode(status.SerializeToString(deterministic=True)).decode().rstrip("=")


def _retry_after(reply: LocalReply) -> list[Json]:
    return [_header("retry-after", "1")] if reply.retry_after else []


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _cel(expression: str) -> Json:
    return {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": typed(_CEL, expression=expression),
        }
    }
