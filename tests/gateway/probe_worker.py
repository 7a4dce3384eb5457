"""A real gRPC server in this process that serves the probe's contract, or identity's keys, and does as it is told."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from concurrent import futures

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

PACKAGE = "marketmesh.probe.v1."
# As meshkit/grpc/server.py.
_OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_metadata_size", 65_536), ("grpc.absolute_max_metadata_size", 65_536)]


class Worker:
    """One process of a service, as Envoy sees it: a port, a health status and handlers."""

    def __init__(self, *, handlers: list[grpc.GenericRpcHandler], port: int = 0) -> None:
        self._health = health.HealthServicer()
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=_OPTIONS)
        self._server.add_generic_rpc_handlers(tuple(handlers))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        assert self.port, f"port {port} is taken"
        self.set_serving(serving=True)
        self._server.start()

    def set_serving(self, *, serving: bool) -> None:
        """Say what the health check hears."""
        status = health_pb2.HealthCheckResponse
        self._health.set("", status.SERVING if serving else status.NOT_SERVING)

    def stop(self) -> None:
        """Stop at once and free the port."""
        self._server.stop(grace=None).wait(timeout=5)


class ProbeBehaviour:
    """What the probe's methods do. One per worker."""

    def __init__(self, *, contracts, name: str) -> None:
        self._contracts = contracts
        self._name = name
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Return handlers for every method of the probe, the mesh-only ones too."""
        return [self._service("ProbeService"), self._service("ProbeMeshService")]

    def _service(self, name: str) -> grpc.GenericRpcHandler:
        handlers = {}
        for method in self._contracts.methods(PACKAGE + name):
            request = self._contracts.message(method.input_type.full_name)
            action = {"BehaveRequest": self._behave, "WebhookRequest": self._webhook}.get(method.input_type.name)
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(
                action or self._echo, request.FromString, lambda reply: reply.SerializeToString()
            )
        return grpc.method_handlers_generic_handler(PACKAGE + name, handlers)

    def _message(self, name: str, **values):
        return self._contracts.message(PACKAGE + name)(**values)

    def _echo(self, request, context):
        seen = {item.key: item.value for item in context.invocation_metadata() if isinstance(item.value, str)}
        remaining = context.time_remaining()
        seen["deadline"] = "none" if remaining is None else f"{remaining:.1f}"
        reply = self._message("EchoResponse", metadata=seen, worker=self._name)
        if request.DESCRIPTOR.name == "EchoRequest":
            reply.request.CopyFrom(request)
        return reply

    def _webhook(self, request, context):
        seen = {item.key: item.value for item in context.invocation_metadata()}
        return self._message(
            "WebhookResponse",
            sha256=hashlib.sha256(request.payload.data).hexdigest(),
            content_type=request.payload.content_type,
            signature=seen.get("stripe-signature", ""),
        )

    def _behave(self, request, context):
        with self._lock:
            self.calls[request.call_id] += 1
            attempt = self.calls[request.call_id]
        if request.headers or request.early_headers:
            context.send_initial_metadata(tuple(request.headers.items()))
        if request.sleep_s:
            threading.Event().wait(request.sleep_s)
        if request.code and (request.failures == 0 or attempt <= request.failures):
            context.abort_with_status(rpc_status.to_status(_status(request.code, request.reason)))
        return self._message("EchoResponse", worker=self._name)


class SickRuntime(grpc.GenericRpcHandler):
    """A process whose gRPC runtime refuses every call until it is well again; its health check stays fine."""

    def __init__(self, *, code: grpc.StatusCode, early_headers: bool = False) -> None:
        self._code, self._early_headers = code, early_headers
        self.calls = 0
        self.is_well = False

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if handler_call_details.method.startswith("/grpc.health.v1.Health/"):
            return None
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _answer(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        self.calls += 1
        if self._early_headers:
            context.send_initial_metadata((("x-request-id", "from-the-service"),))
        if not self.is_well:
            context.abort(self._code, "sick")
        return b""


def _status(code: int, reason: str) -> status_pb2.Status:
    status = status_pb2.Status(code=code, message="as told")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="probe.marketmesh"))
    return status


def identity_handlers(*, contracts, jwks: bytes) -> list[grpc.GenericRpcHandler]:
    """Return identity's GetJwks; the other methods are not implemented here."""
    http_body = contracts.message("google.api.HttpBody")

    def get_jwks(_request: bytes, _context: grpc.ServicerContext):
        return http_body(content_type="application/json", data=jwks)

    handler = grpc.unary_unary_rpc_method_handler(get_jwks, None, lambda reply: reply.SerializeToString())
    return [grpc.method_handlers_generic_handler("marketmesh.identity.v1.AuthService", {"GetJwks": handler})]
