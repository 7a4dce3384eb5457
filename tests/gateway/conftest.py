"""One Envoy, two probe processes and one identity for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.gateway.access_tokens import TokenMint
from tests.gateway.envoy_process import EnvoyProcess
from tests.gateway.grpc_caller import GrpcCaller
from tests.gateway.probe_contracts import ProbeContracts
from tests.gateway.probe_worker import ProbeBehaviour, Worker, identity_handlers


@dataclass(frozen=True)
class Mesh:
    """A running gateway with what is behind it."""

    envoy: EnvoyProcess
    workers: dict[str, Worker]
    behaviours: dict[str, ProbeBehaviour]


@pytest.fixture(scope="session")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> ProbeContracts:
    return ProbeContracts(tmp_path_factory.mktemp("contracts"))


@pytest.fixture(scope="session")
def mint() -> TokenMint:
    return TokenMint()


@pytest.fixture(scope="session")
def identity(contracts: ProbeContracts, mint: TokenMint) -> Iterator[Worker]:
    worker = Worker(handlers=identity_handlers(contracts=contracts, jwks=mint.jwks))
    yield worker
    worker.stop()


@pytest.fixture(scope="session")
def mesh(contracts: ProbeContracts, identity: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    behaviours = {name: ProbeBehaviour(contracts=contracts, name=name) for name in ("first", "second")}
    workers = {name: Worker(handlers=behaviour.handlers()) for name, behaviour in behaviours.items()}
    probe = ",".join(f"127.0.0.1:{worker.port}" for worker in workers.values())
    envoy = EnvoyProcess(
        folder=tmp_path_factory.mktemp("envoy"),
        descriptor_path=contracts.descriptor_path,
        addresses={"probe": probe, "identity": f"127.0.0.1:{identity.port}"},
        auth_rate_per_second=3,
        timeout_seconds=0.6,
        flow_timeout_seconds=1.2,
    )
    try:
        envoy.wait_for_hosts("probe", len(workers))
        envoy.wait_for_keys()
        yield Mesh(envoy=envoy, workers=workers, behaviours=behaviours)
    finally:
        envoy.stop()
        for worker in workers.values():
            worker.stop()


@pytest.fixture
def envoy(mesh: Mesh) -> EnvoyProcess:
    return mesh.envoy


@pytest.fixture
def caller(envoy: EnvoyProcess, contracts: ProbeContracts) -> Iterator[GrpcCaller]:
    client = GrpcCaller(envoy=envoy, contracts=contracts)
    yield client
    client.close()
