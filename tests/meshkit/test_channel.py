"""What another service's refusal is taken for: its answer to the call, or a sign that it is away."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.empty_pb2 import Empty
from grpc_status import rpc_status

from deploy.tools.contracts import grpc_services
from meshkit.call import Call
from meshkit.clock import FixedClock
from meshkit.errors import DependencyUnavailable, MeshError, RateLimitExceeded
from meshkit.grpc import wire
from meshkit.grpc.channel import Channel, RemoteRefusal
from meshkit.service_keys import ServiceKey

SERVICES = sorted({service.file.package.split(".")[1] for service in grpc_services()})
# Every limit that a service has of its own.
QUOTAS = [
    refusal
    for service in SERVICES
    for _, refusal in inspect.getmembers(importlib.import_module(f"services.{service}.errors"), inspect.isclass)
    if getattr(refusal, "code", "") == "RESOURCE_EXHAUSTED"
]


class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Refuses every call in the way the test wants."""

    def __init__(self) -> None:
        self.refuse: Any = None

    def service(self, handler_call_details: Any) -> Any:
        def behaviour(_: bytes, context: grpc.ServicerContext) -> bytes:
            self.refuse(context)
            raise AssertionError("unreachable")

        return grpc.unary_unary_rpc_method_handler(behaviour)


@pytest.fixture
def neighbour() -> Iterator[SimpleNamespace]:
    refusing, server = Refusing(), grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((refusing,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    clock = FixedClock(datetime.now(UTC))
    key = ServiceKey("commerce", ec.generate_private_key(ec.SECP256R1()))
    channel = Channel(key=key, target="media", address=f"127.0.0.1:{port}", clock=clock)
    method = channel.grpc.unary_unary("/any/Method", request_serializer=Empty.SerializeToString)
    yield SimpleNamespace(refusing=refusing, call=lambda: channel.call(method, Empty(), call=Call()))
    channel.grpc.close()
    server.stop(0).wait()


def refusal(neighbour: SimpleNamespace, error: MeshError) -> MeshError:
    status = rpc_status.to_status(wire.status_of(error, service="media"))
    neighbour.refusing.refuse = lambda context: context.abort_with_status(status)
    with pytest.raises(MeshError) as refused:
        neighbour.call()
    return refused.value


class TestLimits:
    def test_there_are_some(self) -> None:
        assert {"TOO_MANY_OPEN_UPLOADS", "NUDGED_ALREADY"} <= {quota.reason for quota in QUOTAS}

    @pytest.mark.parametrize("quota", QUOTAS, ids=lambda quota: quota.reason)
    def test_of_a_service_are_its_answer(self, neighbour: SimpleNamespace, quota: type[MeshError]) -> None:
        found = refusal(neighbour, quota("enough", limit="50"))

        assert isinstance(found, RemoteRefusal)
        assert (found.code, found.reason, found.domain) == ("RESOURCE_EXHAUSTED", quota.reason, quota.domain)
        assert (found.message, found.fix, found.metadata) == ("enough", quota.fix, {"limit": "50"})

    def test_of_the_mesh_pass_by_themselves(self, neighbour: SimpleNamespace) -> None:
        found = refusal(neighbour, RateLimitExceeded(bucket="write"))

        assert isinstance(found, DependencyUnavailable)

    def test_of_grpc_say_nothing_about_the_call(self, neighbour: SimpleNamespace) -> None:
        neighbour.refusing.refuse = lambda context: context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large")

        with pytest.raises(DependencyUnavailable):
            neighbour.call()
