"""Two processes of a service behind the gateway: one is told to stop under load, and no caller notices."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from deploy.dev.environment import REPOSITORY
from gateway.clusters import build_clusters
from gateway.settings import read_settings
from meshkit.settings import MeshSettings
from tests.gateway.envoy_process import EnvoyProcess, free_port, wait_until
from tests.support.service_process import ServiceProcess, Workshop, workshop

_DESCRIPTORS = REPOSITORY / "gen" / "descriptors.binpb"
# Here Envoy checks each second and needs two failures.
_DRAIN_S = "4"
_CALLERS = 4


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("replicas"), ("identity",)) as shop:
        yield shop


class Load:
    """Callers that write without pause; Envoy never repeats a write for them."""

    def __init__(self, envoy: EnvoyProcess, token: str) -> None:
        self._envoy, self._bearer = envoy, f"Bearer {token}"
        self._enough = threading.Event()
        self.statuses: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._call) for _ in range(_CALLERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self._enough.is_set():
            headers = {"authorization": self._bearer, "idempotency-key": str(uuid.uuid4())}
            path = f"/api/v1/admin/licenses/{uuid.uuid4()}/verify"
            self.statuses[self._envoy.call("POST", path, headers=headers, body={"decision": "verified"}).status] += 1


class TestReplica:
    def test_that_is_told_to_stop_under_load_fails_no_call(self, shop: Workshop, tmp_path: Path) -> None:
        first, second = self._replica(shop), self._replica(shop)
        addresses = {"identity": f"{first.address},{second.address}"}
        envoy = EnvoyProcess(folder=tmp_path, descriptor_path=_DESCRIPTORS, addresses=addresses)
        try:
            envoy.wait_for_hosts("identity", 2)
            envoy.wait_for_keys()
            with Load(envoy, shop.admin_token()) as load:
                wait_until(lambda: load.statuses.total() > 50)
                first.terminate()
                code = first.wait()
                after = load.statuses.total()
                wait_until(lambda: load.statuses.total() > after + 50)
        finally:
            envoy.stop()

        assert code == 0
        assert set(load.statuses) == {404}  # what the service itself says of an unknown licence

    def test_that_is_asked_twice_stops_at_once(self, shop: Workshop) -> None:
        replica = self._replica(shop, drain_s="1000")

        replica.terminate()
        replica.wait_for_line(event="service.draining")
        replica.wait_for_health("NOT_SERVING")
        replica.terminate()

        assert replica.wait() == 0

    def _replica(self, shop: Workshop, *, drain_s: str = _DRAIN_S) -> ServiceProcess:
        port = free_port()
        variables = {"MESH_GRPC_PORT": str(port), "MESH_METRICS_PORT": str(free_port()), "MESH_DRAIN_S": drain_s}
        replica = shop.start("identity", "serve", **variables)
        replica.address = f"127.0.0.1:{port}"
        replica.wait_for_health("SERVING")
        return replica


class TestDrain:
    def test_lasts_longer_than_the_gateway_takes_to_notice(self) -> None:
        variables = {"MESH_IDENTITY_ADDRESS": "10.0.0.1:1"}
        settings = read_settings(environment="production", descriptor_path=_DESCRIPTORS, variables=variables)
        (check,) = build_clusters(owners=("identity",), settings=settings)[0]["health_checks"]
        slowest_s = max(float(check[name].rstrip("s")) for name in ("interval", "no_traffic_interval"))

        assert MeshSettings.model_fields["drain_s"].default > check["unhealthy_threshold"] * slowest_s
