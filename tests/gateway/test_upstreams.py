"""Processes behind the gateway: ejection, return, retries, and dependencies that are down or late."""

from __future__ import annotations

import uuid

import grpc
import pytest

from tests.gateway.envoy_process import EnvoyProcess, free_port, wait_until
from tests.gateway.grpc_caller import GrpcCaller, error_info
from tests.gateway.probe_worker import ProbeBehaviour, SickRuntime, Worker, identity_handlers

_ECHO = "/api/v1/probe/echo"


def _workers(envoy: EnvoyProcess, count: int = 12) -> set[str]:
    return {envoy.call("POST", _ECHO, body={}).json["worker"] for _ in range(count)}


class TestHealthCheck:
    def test_takes_a_process_out_and_lets_it_back(self, mesh):
        try:
            mesh.workers["first"].set_serving(serving=False)
            mesh.envoy.wait_for_hosts("probe", 1)
            wait_until(lambda: _workers(mesh.envoy) == {"second"}, timeout_s=2)

            assert _workers(mesh.envoy, 30) == {"second"}
        finally:
            mesh.workers["first"].set_serving(serving=True)
            mesh.envoy.wait_for_hosts("probe", 2)
        wait_until(lambda: _workers(mesh.envoy) == {"first", "second"})

    def test_leaves_no_process_when_none_serves(self, mesh):
        try:
            for worker in mesh.workers.values():
                worker.set_serving(serving=False)
            mesh.envoy.wait_for_hosts("probe", 0)
            wait_until(lambda: mesh.envoy.call("POST", _ECHO, body={}).status == 503, timeout_s=2)

            reply, ready = mesh.envoy.call("POST", _ECHO, body={}), mesh.envoy.call("GET", "/health/ready")
        finally:
            for worker in mesh.workers.values():
                worker.set_serving(serving=True)
            mesh.envoy.wait_for_hosts("probe", 2)

        assert (reply.status, reply.error_info["metadata"]) == (503, {"dependency": "probe"})
        assert (ready.status, ready.error_info["reason"]) == (503, "DEPENDENCY_ERROR")
        assert (ready.error_info["metadata"], ready.json["message"]) == (
            {"dependency": "probe"},
            "not ready: probe is away",
        )


class TestOutlierEjection:
    """One healthy process, and one that answers errors although its health check is fine."""

    @pytest.fixture
    def beside(self, contracts, tmp_path):
        running = []

        def start(sick: SickRuntime) -> EnvoyProcess:
            healthy = ProbeBehaviour(contracts=contracts, name="healthy")
            workers = [Worker(handlers=healthy.handlers()), Worker(handlers=[sick])]
            ports = ",".join(f"127.0.0.1:{worker.port}" for worker in workers)
            envoy = EnvoyProcess(folder=tmp_path, descriptor_path=contracts.descriptor_path, addresses={"probe": ports})
            running.extend([envoy, *workers])
            envoy.wait_for_hosts("probe", 2)
            return envoy

        yield start
        for each in running:
            each.stop()

    @staticmethod
    def _statuses(envoy: EnvoyProcess, count: int) -> set[int]:
        return {envoy.call("POST", "/api/v1/probe/behave", body={}).status for _ in range(count)}

    def _asks_only_the_healthy(self, envoy: EnvoyProcess, sick: SickRuntime) -> bool:
        asked = sick.calls
        return self._statuses(envoy, 20) == {200} and sick.calls == asked

    def test_takes_out_a_process_whose_runtime_is_unavailable_and_lets_it_back(self, beside):
        sick = SickRuntime(code=grpc.StatusCode.UNAVAILABLE)
        envoy = beside(sick)

        wait_until(lambda: self._statuses(envoy, 1) and envoy.healthy_hosts("probe") == 1)
        flags = [line.rpartition("::")[2] for line in envoy.admin("/clusters").splitlines() if "health_flags" in line]
        # An ejection lasts two seconds: on a slow machine it ends in the middle of a burst, and another begins.
        wait_until(lambda: self._asks_only_the_healthy(envoy, sick))
        sick.is_well, asked = True, sick.calls
        envoy.wait_for_hosts("probe", 2)
        wait_until(lambda: self._statuses(envoy, 1) == {200} and sick.calls > asked)

        assert "/failed_outlier_check" in flags

    @pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNKNOWN])
    def test_keeps_a_process_whose_runtime_could_not_read_what_a_caller_sent(self, beside, code):
        sick = SickRuntime(code=code)
        envoy = beside(sick)

        wait_until(lambda: self._statuses(envoy, 1) and sick.calls >= 20)

        assert envoy.healthy_hosts("probe") == 2

    def test_keeps_a_process_whose_service_refuses(self, beside):
        sick = SickRuntime(code=grpc.StatusCode.UNAVAILABLE, early_headers=True)
        envoy = beside(sick)

        wait_until(lambda: self._statuses(envoy, 1) and sick.calls >= 20)

        assert envoy.healthy_hosts("probe") == 2


class TestRetry:
    def _calls(self, mesh, call_id: str) -> int:
        return sum(behaviour.calls[call_id] for behaviour in mesh.behaviours.values())

    def test_repeats_a_read_that_was_unavailable(self, mesh):
        body = {"code": 14, "failures": 1, "call_id": uuid.uuid4().hex}

        reply = mesh.envoy.call("POST", "/api/v1/probe/behave-as-read", body=body)

        assert reply.status == 200
        assert self._calls(mesh, body["call_id"]) in (2, 3)

    @pytest.mark.parametrize("path", ["/api/v1/probe/behave", "/api/v1/probe/behave-as-flow"])
    def test_never_repeats_a_write_that_was_sent(self, mesh, path):
        body = {"code": 14, "failures": 1, "call_id": uuid.uuid4().hex}

        reply = mesh.envoy.call("POST", path, body=body)

        assert reply.status == 503
        assert self._calls(mesh, body["call_id"]) == 1


class TestReadiness:
    def test_names_every_service_that_is_away(self, contracts, tmp_path):
        addresses = {owner: f"127.0.0.1:{free_port()}" for owner in ("identity", "probe")}
        envoy = EnvoyProcess(folder=tmp_path, descriptor_path=contracts.descriptor_path, addresses=addresses)
        try:
            # The first second after its start a cluster that was never checked counts as neither.
            wait_until(lambda: "identity" in envoy.call("GET", "/health/ready").json["message"])
            replies = [envoy.call("GET", "/health/ready") for _ in range(5)]
        finally:
            envoy.stop()

        assert {reply.error_info["metadata"]["dependency"] for reply in replies} == {"identity, probe"}
        assert {(reply.status, reply.headers["retry-after"]) for reply in replies} == {(503, "1")}


class TestDependency:
    @pytest.fixture
    def alone(self, contracts, tmp_path):
        ports = {"identity": free_port(), "probe": free_port()}
        addresses = {owner: f"127.0.0.1:{port}" for owner, port in ports.items()}
        envoy = EnvoyProcess(folder=tmp_path, descriptor_path=contracts.descriptor_path, addresses=addresses)
        yield envoy, ports
        envoy.stop()

    def test_that_is_down_answers_503_with_retry_after(self, alone, contracts):
        envoy, _ = alone
        caller = GrpcCaller(envoy=envoy, contracts=contracts)

        reply = envoy.call("POST", _ECHO, body={})
        with pytest.raises(grpc.RpcError) as refusal:
            caller.call("ProbeService/Echo")
        caller.close()

        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert (reply.error_info["reason"], reply.error_info["metadata"]) == (
            "DEPENDENCY_ERROR",
            {"dependency": "probe"},
        )
        assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE
        assert dict(error_info(refusal.value).metadata) == {"dependency": "probe"}

    def test_that_starts_late_is_found(self, alone, contracts, mint):
        envoy, ports = alone
        probe = Worker(handlers=ProbeBehaviour(contracts=contracts, name="late").handlers(), port=ports["probe"])
        envoy.wait_for_hosts("probe", 1)
        before = envoy.call("GET", "/api/v1/probe/items/1", headers=mint.bearer())

        identity = Worker(handlers=identity_handlers(contracts=contracts, jwks=mint.jwks), port=ports["identity"])
        try:
            wait_until(
                lambda: envoy.call("GET", "/api/v1/probe/items/1", headers=mint.bearer()).status == 200, timeout_s=15
            )
        finally:
            identity.stop()
            probe.stop()

        assert (before.status, before.error_info["reason"]) == (503, "DEPENDENCY_ERROR")
        assert before.error_info["metadata"] == {"dependency": "identity"}

    def test_without_an_address_answers_503_in_development(self, contracts, tmp_path):
        envoy = EnvoyProcess(folder=tmp_path, descriptor_path=contracts.descriptor_path, addresses={})
        try:
            reply = envoy.call("POST", _ECHO, body={})
        finally:
            envoy.stop()

        assert reply.status == 503
