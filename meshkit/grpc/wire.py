"""Errors on the wire: google.rpc.Status with exactly one ErrorInfo, and the headers that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.errors import MeshError

_MESSAGE_MAX = 1000
HTTP_STATUS_HEADER = "x-http-status"


def status_of(error: MeshError, *, service: str) -> status_pb2.Status:
    """Return the status message of a refusal. Deterministic: equal errors are equal bytes."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason,
        domain=error.domain or f"{service}.marketmesh",
        metadata={**error.metadata, "fix": error.fix},
    )
    details: list[Message] = [info]
    if error.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=violation.field, description=violation.description, reason=violation.reason
                    )
                    for violation in error.violations
                ]
            )
        )
    details.extend(error.details)
    if error.code == "FAILED_PRECONDITION":
        violation = error_details_pb2.PreconditionFailure.Violation(type=error.reason, description=error.fix)
        details.append(error_details_pb2.PreconditionFailure(violations=[violation]))
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.seconds = error.retry_after_s
        details.append(retry)
    status = status_pb2.Status(code=code_pb2.Code.Value(error.code), message=error.message[:_MESSAGE_MAX])
    status.details.extend(_pack(detail) for detail in details)
    return status


def headers_of(error: MeshError) -> dict[str, str]:
    """Return the response headers a refusal carries through the gateway."""
    headers = {}
    if error.code == "FAILED_PRECONDITION":
        headers[HTTP_STATUS_HEADER] = "409"
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    return headers


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message, deterministic=True)
    return packed
