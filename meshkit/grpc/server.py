"""Builds a service's gRPC server. It refuses to start with a method that declares no policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from meshkit.grpc.admission import Admission, RpcThreads
from meshkit.grpc.policy import MethodPolicy, policies_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from google.protobuf.descriptor import ServiceDescriptor

    from meshkit.grpc.interceptor import PolicyInterceptor
    from meshkit.settings import MeshSettings

_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# More than the gateway lets through (gateway/lua/strict.lua) with what it adds: between gRPC's own two limits calls fail
# at random.
_MAX_METADATA_BYTES = 64 * 1024


@dataclass(frozen=True)
class Servicer:
    """An object and the generated module of the gRPC service that it implements: `CartServicer` implements `CartService`."""

    contract: ModuleType
    implementation: Any

    @property
    def descriptor(self) -> ServiceDescriptor:
        """Return the descriptor of the gRPC service. Raises KeyError when the module has none of that name."""
        name = type(self.implementation).__name__.removesuffix("Servicer")
        service: ServiceDescriptor = self.contract.DESCRIPTOR.services_by_name[f"{name}Service"]
        return service

    def methods(self) -> dict[str, Callable[[Any, Any], Any]]:
        """Return the implementation of every method by path."""
        name = self.descriptor.full_name
        return {
            f"/{name}/{method.name}": getattr(self.implementation, method.name) for method in self.descriptor.methods
        }

    def add_to(self, server: grpc.Server) -> None:
        """Register every method, as the generated `add_…_to_server` would."""
        name = self.descriptor.full_name
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                getattr(self.implementation, method.name),
                request_deserializer=GetMessageClass(method.input_type).FromString,
                response_serializer=GetMessageClass(method.output_type).SerializeToString,
            )
            for method in self.descriptor.methods
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        server.add_registered_method_handlers(name, handlers)


class GrpcServer:
    """One process's server with its health service."""

    def __init__(
        self, *, servicers: Sequence[Servicer], interceptor: PolicyInterceptor, settings: MeshSettings
    ) -> None:
        # Not gRPC's own bound: it would refuse health checks too, with a status that says a limit of the caller's.
        threads = RpcThreads(settings.rpc_threads, bound=settings.rpc_concurrency)
        admission = Admission(threads, service=interceptor.service)
        self._server = grpc.server(
            threads,
            interceptors=[admission, interceptor],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
                ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 5000),
            ],
        )
        self._health = health.HealthServicer(experimental_thread_pool=admission.health)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for servicer in servicers:
            servicer.add_to(self._server)
        self._names = ["", *(servicer.descriptor.full_name for servicer in servicers)]
        if settings.grpc_reflection:
            self._reflect()
        self._address = f"{settings.grpc_host}:{settings.grpc_port}"
        self.set_ready(ready=False)

    def start(self) -> int:
        """Begin to accept calls; returns the port. Raises RuntimeError when the port is taken."""
        port = self._server.add_insecure_port(self._address)
        self._server.start()
        return port

    def _reflect(self) -> None:
        from grpc_reflection.v1alpha import reflection

        names = [name for name in self._names if name]
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    def set_ready(self, *, ready: bool) -> None:
        """Tell health checkers whether calls should be sent here."""
        serving = health_pb2.HealthCheckResponse.SERVING
        status = serving if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in self._names:
            self._health.set(name, status)

    def turn_away(self) -> None:
        """Tell health checkers, for good, to send calls elsewhere; those that come are still served."""
        self._health.enter_graceful_shutdown()

    def stop(self, *, grace_s: float) -> None:
        """Turn unready, let running calls finish for `grace_s` seconds, then close."""
        self.turn_away()
        self._server.stop(grace_s).wait()


def collect_policies(servicers: Sequence[Servicer]) -> dict[str, MethodPolicy]:
    """Return all methods' policies by path. Raises PolicyError for an undeclared method."""
    policies: dict[str, MethodPolicy] = {}
    for servicer in servicers:
        policies |= policies_of(servicer.descriptor)
    return policies
