"""The one interceptor: it applies each method's declared policy around its servicer method.

Order: boundary (errors) -> context (request id, trace, deadline) -> telemetry -> authenticate -> rate limit -> authorise
-> validate -> unit of work. Servicer methods receive (request, unit) and never the gRPC context.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc_status import rpc_status
from sqlalchemy.exc import SQLAlchemyError

from meshkit.crash import crash_point
from meshkit.db.engine import is_unavailable, unavailable
from meshkit.errors import DependencyUnavailable, InternalError, MeshError, ValidationError
from meshkit.grpc import wire
from meshkit.grpc.guard import Guard
from meshkit.grpc.metadata import call_from, metadata_of
from meshkit.grpc.unit_of_work import UnitOfWork
from meshkit.obs import tracing
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import RPC_IN_FLIGHT, RPC_SECONDS

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.grpc.policy import MethodPolicy

Servicer = Callable[[Any, Any], Any]
# gRPC's own services: they know no principal and touch no data.
_UNGUARDED = ("/grpc.health.v1.Health/", "/grpc.reflection.")
# Kept back from the caller's deadline so that our own time-out can still be answered.
_RESERVE_SECONDS = 0.02
_LEAST_SECONDS = 0.05


@dataclass
class PolicyInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Wraps every handler; built once with the policies of all registered methods."""

    service: str
    policies: dict[str, MethodPolicy]
    guard: Guard
    unit_of_work: UnitOfWork

    def __post_init__(self) -> None:
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the guarded handler of a method; health checks, and reflection where it is on, pass as they are."""
        path = handler_call_details.method
        if path.startswith(_UNGUARDED):
            return continuation(handler_call_details)
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            handler = continuation(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrapped[path] = self._wrap(self.policies[path], handler)
        return wrapped

    def _wrap(self, policy: MethodPolicy, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        servicer = handler.unary_unary
        assert servicer is not None, "contracts have unary methods only"

        def behaviour(received: bytes, context: grpc.ServicerContext) -> object:
            return self._serve(policy, servicer, received, context)

        # Without a deserializer: gRPC's own answer to bytes that are no message is INTERNAL, as if it were our fault.
        return grpc.unary_unary_rpc_method_handler(behaviour, response_serializer=_serialize)

    def _serve(
        self, policy: MethodPolicy, servicer: Servicer, received: bytes, context: grpc.ServicerContext
    ) -> object:
        started = time.perf_counter()
        metadata = metadata_of(context)
        call = call_from(metadata)
        call.work = policy.path
        with (
            structlog.contextvars.bound_contextvars(request_id=call.request_id, method=policy.path),
            RPC_IN_FLIGHT.track_inprogress(),
            tracing.span(policy.path, parent=metadata.get("traceparent"), service=self.service) as trace,
        ):
            call.traceparent = trace.traceparent
            error: MeshError | None = None
            response: Any = None
            request = policy.request_class()
            try:
                call.deadline = _deadline(context)
                _read(received, request)
                response = self._run(policy, servicer, request, call, metadata)
            except Exception as raised:
                error = self._refusal(raised)
                self.unit_of_work.record_denial(policy, request, call, error)
            self._finish(policy, call, trace.trace_id, error, time.perf_counter() - started)
        crash_point(policy.path, "answering")
        return self._answer(policy, context, call, response, error)

    def _run(
        self, policy: MethodPolicy, servicer: Servicer, request: Message, call: Call, metadata: dict[str, str]
    ) -> Message | bytes:
        call.principal = self.guard.authenticate(policy, metadata)
        self.guard.rate_limit(policy, call, request)
        self.guard.authorise(policy, call.principal)
        self.guard.validate(request, caller=policy.caller)
        return self.unit_of_work.run(policy, servicer, request, call, key=metadata.get("idempotency-key", ""))

    def _refusal(self, error: Exception) -> MeshError:
        if isinstance(error, MeshError):
            return error
        if isinstance(error, SQLAlchemyError) and is_unavailable(error):
            get_logger().warning("rpc.database_away", error=str(error.__cause__ or error))
            return unavailable(error)
        get_logger().error("rpc.defect", exc_info=error)
        return InternalError()

    def _finish(self, policy: MethodPolicy, call: Call, trace_id: str, error: MeshError | None, seconds: float) -> None:
        code = error.code if error else "OK"
        RPC_SECONDS.labels(policy.path, code).observe(seconds)
        get_logger().info(
            "rpc",
            code=code,
            reason=error.reason if error else None,
            principal=call.principal.subject,
            trace_id=trace_id,
            duration_ms=round(seconds * 1000, 2),
        )

    def _answer(
        self, policy: MethodPolicy, context: grpc.ServicerContext, call: Call, response: Any, error: MeshError | None
    ) -> Message | bytes:
        headers = {"x-request-id": call.request_id}
        if error is not None:
            # Byte-equal answers for a missing and a foreign object include the headers.
            context.send_initial_metadata(tuple({**headers, **wire.headers_of(error)}.items()))
            context.abort_with_status(rpc_status.to_status(wire.status_of(error, service=self.service)))
        if policy.success_status:
            headers[wire.HTTP_STATUS_HEADER] = str(policy.success_status)
        context.send_initial_metadata(tuple({**headers, **call.headers, **call.secret_headers}.items()))
        answer: Message | bytes = response
        return answer


def _read(received: bytes, request: Message) -> None:
    try:
        request.ParseFromString(received)
    except DecodeError as error:
        request.Clear()
        text = "is not valid UTF-8 in one of its texts" if "UTF-8" in str(error) else "is not a message of this method"
        raise ValidationError.of("body", text) from None


def _serialize(response: Message | bytes) -> bytes:
    return response if isinstance(response, bytes) else response.SerializeToString(deterministic=True)


def _deadline(context: grpc.ServicerContext) -> float:
    remaining = context.time_remaining()
    if remaining is None:
        return time.monotonic() + 10.0
    if remaining < _LEAST_SECONDS:
        raise DependencyUnavailable("Too little time is left to answer.", dependency="deadline")
    return time.monotonic() + remaining - _RESERVE_SECONDS
