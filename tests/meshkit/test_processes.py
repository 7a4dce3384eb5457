"""A service as a process: its settings, its readiness, its drain, its log lines and its metrics."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from deploy.dev.environment import REPOSITORY
from deploy.tools.waiting import until
from marketmesh.identity.events.v1 import identity_events_pb2 as events
from marketmesh.identity.v1 import auth_service_pb2, auth_service_pb2_grpc
from meshkit.service import DRAIN_SECONDS
from meshkit.settings import MeshSettings, SettingsInvalid
from tests.support.service_process import PATIENCE_S, ServiceProcess, Workshop, workshop

# What differs where real people are served; an empty variable is none.
REAL = {
    "MESH_ENVIRONMENT": "production",
    "MESH_DEV_ROUTES": "false",
    "PUBSUB_EMULATOR_HOST": "",
    "MESH_AUDIT_ANCHOR_FOLDER": "/tmp/anchors",
}
TOLD: dict[str, Any] = {
    "redis_url": "redis://nowhere", "pubsub_project": "p", "service_key_file": "key",
    "service_keys_folder": "keys", "digest_key_file": "key",
    "audit_anchor_folder": "anchors"
}  # fmt: skip
AGENTS = "fulfillment.identity.user.v1"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("processes"), ("identity", "fulfillment")) as shop:
        yield shop


@pytest.fixture
def shop(parts: Workshop) -> Iterator[Workshop]:
    yield parts
    parts.stop_all()


class TestSettings:
    @pytest.mark.parametrize("command", ["serve", "consume", "migrate", "check"])
    def test_a_missing_one_stops_the_start_and_is_named(self, shop: Workshop, command: str) -> None:
        variables = shop.variables("identity")
        del variables["IDENTITY_DATABASE_URL"]

        ended = self.run(command, variables)

        assert (ended.returncode, ended.stderr) == (1, "identity: IDENTITY_DATABASE_URL is not set\n")

    @pytest.mark.parametrize("command", ["serve", "consume", "jobs"])
    def test_a_database_that_is_not_migrated_stops_the_start(self, shop: Workshop, command: str) -> None:
        with shop.database("identity", kind="owner") as owner:
            owner.execute("ALTER TABLE stores RENAME COLUMN kyc_status TO standing")
            try:
                ended = self.run(command, shop.variables("identity"))
            finally:
                owner.execute("ALTER TABLE stores RENAME COLUMN standing TO kyc_status")

        advice = "run `identity migrate` before this code"
        assert (ended.returncode, ended.stderr) == (1, f"identity: the database has no stores.kyc_status: {advice}\n")

    def test_all_that_are_wrong_are_named_without_any_value(self, shop: Workshop) -> None:
        variables = {**shop.variables("identity"), "IDENTITY_REFRESH_TOKEN_MINUTES": "a secret by mistake"}
        del variables["IDENTITY_SIGNING_KEY_FILE"]
        passwords = [value for name, value in variables.items() if name.endswith("_URL") and "@" in value]

        ended = self.run("serve", variables)

        assert ended.returncode == 1
        assert "IDENTITY_SIGNING_KEY_FILE is not set" in ended.stderr
        assert "IDENTITY_REFRESH_TOKEN_MINUTES: " in ended.stderr
        assert passwords
        assert not [value for value in (*passwords, "a secret by mistake") if value in ended.stderr + ended.stdout]

    def run(self, command: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "services.identity", command]
        return subprocess.run(
            argv, cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=PATIENCE_S
        )  # fmt: skip


class TestEnvironment:
    """Which conveniences of development a process starts with."""

    @pytest.mark.parametrize("word", ["", "prod", "Production", "PRODUCTION", "development", "live"])
    def test_must_be_one_that_is_known(self, word: str) -> None:
        with pytest.raises(SettingsInvalid, match="^MESH_ENVIRONMENT: "):
            MeshSettings(**TOLD, environment=word)

    def test_has_no_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MESH_ENVIRONMENT", raising=False)

        with pytest.raises(SettingsInvalid, match="^MESH_ENVIRONMENT is not set$"):
            MeshSettings(**TOLD)

    def test_of_development_opens_no_route_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MESH_DEV_ROUTES", raising=False)

        assert MeshSettings(**TOLD, environment="dev").dev_routes is False

    @pytest.mark.parametrize("environment", ["staging", "production"])
    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("MESH_DEV_ROUTES", "true"),
            ("MESH_GRPC_REFLECTION", "true"),
            ("MESH_CRASH_FILE", "/tmp/crash"),
            ("MESH_CLOCK_FILE", "/tmp/clocks"),
            ("PUBSUB_EMULATOR_HOST", "127.0.0.1:1"),
        ],
    )
    def test_of_real_people_refuses_each_convenience(
        self, environment: str, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for convenience in ("MESH_DEV_ROUTES", "MESH_GRPC_REFLECTION", "PUBSUB_EMULATOR_HOST"):
            monkeypatch.delenv(convenience, raising=False)
        MeshSettings(**TOLD, environment=environment)
        monkeypatch.setenv(variable, value)

        with pytest.raises(SettingsInvalid, match=f"^{variable} is only for MESH_ENVIRONMENT dev or test"):
            MeshSettings(**TOLD, environment=environment)

    @pytest.mark.parametrize(
        ("service", "variable"), [("media", "MEDIA_STORAGE_URL"), ("analytics", "ANALYTICS_BIGQUERY_URL")]
    )
    def test_of_real_people_refuses_a_stand_in(self, shop: Workshop, service: str, variable: str) -> None:
        variables = {**shop.variables(service), **REAL}

        ended = self.check(service, variables)

        assert (ended.returncode, ended.stderr.startswith(f"{service}: {variable}")) == (1, True), ended.stderr

    def check(self, service: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", f"services.{service}", "check"]
        return subprocess.run(argv, cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=PATIENCE_S)


class TestReadiness:
    def test_follows_the_database(self, shop: Workshop) -> None:
        identity = shop.start("identity", "serve")
        identity.wait_for_health("SERVING")

        with self.database_away(shop):
            identity.wait_for_health("NOT_SERVING")
        identity.wait_for_health("SERVING")

        changes = [line["event"] for line in identity.lines() if line["event"].endswith("ready")]
        assert changes == ["service.ready", "service.not_ready", "service.ready"]

    def test_of_a_process_that_starts_before_its_database(self, shop: Workshop) -> None:
        with self.database_away(shop):
            identity = shop.start("identity", "serve")
            identity.wait_for_health("NOT_SERVING")

        identity.wait_for_health("SERVING")

    def test_survives_redis_and_says_so(self, shop: Workshop) -> None:
        identity = shop.start("identity", "serve")
        identity.wait_for_health("SERVING")
        self.wait_for_redis(identity, up=True)

        os.kill(shop.stack.pids["valkey"], signal.SIGSTOP)
        try:
            self.wait_for_redis(identity, up=False)
            health, keys = identity.health(), self.keys(identity)
        finally:
            os.kill(shop.stack.pids["valkey"], signal.SIGCONT)
        self.wait_for_redis(identity, up=True)

        assert (health, bool(keys)) == ("SERVING", True)
        said = [line["event"] for line in identity.lines() if line["event"].startswith("revocations.redis")]
        assert said == ["revocations.redis_away", "revocations.redis_back"]

    @contextmanager
    def database_away(self, shop: Workshop) -> Iterator[None]:
        """Cut the service off from its database and keep it off."""
        with shop.superuser() as superuser:
            superuser.execute("ALTER DATABASE identity ALLOW_CONNECTIONS false")
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'identity'")
            try:
                yield
            finally:
                superuser.execute("ALTER DATABASE identity ALLOW_CONNECTIONS true")

    def wait_for_redis(self, service: ServiceProcess, *, up: bool) -> None:
        until(f"mesh_redis_up {up}", lambda: service.metric("mesh_redis_up") == up, seconds=PATIENCE_S)

    def keys(self, service: ServiceProcess) -> bytes:
        with grpc.insecure_channel(service.address) as channel:
            request = auth_service_pb2.GetJwksRequest()
            return bytes(auth_service_pb2_grpc.AuthServiceStub(channel).GetJwks(request, timeout=30).data)


class TestProduction:
    def test_makes_no_administrator_over_the_api(self, shop: Workshop) -> None:
        identity = shop.start("identity", "serve", **REAL)
        identity.wait_for_health("SERVING")
        email = f"{uuid.uuid4().hex}@example.com"
        request = auth_service_pb2.AdminRegisterRequest(
            first_name="A", last_name="B", email=email, password="correct horse"
        )

        with grpc.insecure_channel(identity.address) as channel, pytest.raises(grpc.RpcError) as refused:
            metadata = (("idempotency-key", uuid.uuid4().hex),)
            auth_service_pb2_grpc.AuthServiceStub(channel).AdminRegister(request, metadata=metadata, timeout=30)

        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        identity.wait_for_line(event="rpc", reason="ADMIN_REGISTER_CLOSED", env="production")
        with shop.database("identity") as app:
            assert app.execute("SELECT count(*) FROM users WHERE email = %s", [email]).fetchone() == (0,)


class TestDrain:
    """What happens to a handler that is at work when its process is told to stop."""

    def test_of_a_consumer_finishes_the_handler_and_loses_nothing(self, shop: Workshop) -> None:
        at_work, waiting = str(uuid.uuid4()), str(uuid.uuid4())
        first = shop.start("fulfillment", "consume")

        with shop.database("fulfillment", kind="owner") as owner, owner.transaction():
            owner.execute("LOCK TABLE agents IN EXCLUSIVE MODE")
            shop.publish(events.AgentCreated(user_id=at_work))
            until("the handler waits for the table", lambda: self.handlers_at_work(shop), seconds=PATIENCE_S)
            first.terminate()
            first.wait_for_line(event="service.draining")
            shop.publish(events.AgentCreated(user_id=waiting))
        code = first.wait()

        assert code == 0
        assert self.agents(shop, at_work, waiting) == {at_work}
        assert first.lines()[-1]["event"] == "service.stopped"
        shop.start("fulfillment", "consume")
        until("the rest", lambda: self.agents(shop, at_work, waiting) == {at_work, waiting}, seconds=PATIENCE_S)

    def handlers_at_work(self, shop: Workshop) -> bool:
        with shop.superuser() as superuser:
            found = superuser.execute("SELECT 1 FROM pg_locks WHERE relation IS NOT NULL AND NOT granted").fetchone()
        return found is not None

    def agents(self, shop: Workshop, *user_ids: str) -> set[str]:
        with shop.database("fulfillment") as app:
            rows = app.execute("SELECT user_id FROM agents WHERE user_id = ANY(%s::uuid[])", [list(user_ids)])
            return {str(row[0]) for row in rows}


class TestLogs:
    def test_have_one_line_per_message_with_id_outcome_and_duration(self, shop: Workshop) -> None:
        consumer = shop.start("fulfillment", "consume")
        headers = {"x-request-id": f"r-{uuid.uuid4().hex}", "traceparent": f"00-{uuid.uuid4().hex}-{'b' * 16}-01"}
        ids = [shop.publish(events.AgentCreated(user_id=str(uuid.uuid4())), headers=headers) for _ in range(5)]

        for event_id in ids:
            consumer.wait_for_line(event_id=event_id)

        for event_id in ids:
            (line,) = consumer.lines(event_id=event_id)
            assert (line["event"], line["consumer"], line["type"], line["result"]) == (
                "event",
                AGENTS,
                "agent_created",
                "ok",
            )
            assert line["duration_ms"] >= 0
            assert (line["request_id"], line["trace_id"]) == (headers["x-request-id"], headers["traceparent"][3:35])
            assert line["service"] == "fulfillment"


class TestJobMetrics:
    def test_tell_runs_duration_and_the_last_success(self, shop: Workshop) -> None:
        before = datetime.now(UTC).timestamp()
        jobs = shop.start("fulfillment", "jobs")

        until("a run", lambda: jobs.metric("mesh_job_runs_total", job="audit_chain", result="ok"), seconds=PATIENCE_S)

        assert jobs.metric("mesh_job_duration_seconds_count", job="audit_chain") >= 1
        assert jobs.metric("mesh_job_last_success_timestamp_seconds", job="audit_chain") >= before

    def test_tell_failures(self, shop: Workshop) -> None:
        jobs = shop.start("fulfillment", "jobs")
        with shop.database("fulfillment", kind="owner") as owner:
            owner.execute("ALTER TABLE job_runs RENAME TO job_runs_away")
            try:
                failed = {"job": "audit_chain", "result": "failed"}
                until("a failure", lambda: jobs.metric("mesh_job_runs_total", **failed), seconds=PATIENCE_S)
            finally:
                owner.execute("ALTER TABLE job_runs_away RENAME TO job_runs")

        jobs.wait_for_line(event="job.failed", job="audit_chain")


class TestReflection:
    """For developers, and only where a process is told so."""

    def told(self, service: ServiceProcess) -> list[str]:
        """Return the services that the process says it has."""
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with grpc.insecure_channel(service.address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=PATIENCE_S)
        return sorted(each.name for each in answer.list_services_response.service)

    def test_is_off_by_itself(self, shop: Workshop) -> None:
        identity = shop.start("identity", "serve")

        with pytest.raises(grpc.RpcError) as refused:
            self.told(identity)

        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED

    def test_names_every_service_when_it_is_on(self, shop: Workshop) -> None:
        identity = shop.start("identity", "serve", MESH_GRPC_REFLECTION="true")

        told = self.told(identity)

        assert [name for name in told if name.startswith("grpc.")] == [
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        ]
        assert {"marketmesh.identity.v1.AuthService", "marketmesh.identity.v1.StoreService"} <= set(told)


class TestTimeToStop:
    def test_told_to_who_runs_containers_is_what_a_stop_can_take(self) -> None:
        told = (REPOSITORY / "docs" / "architecture" / "observability.md").read_text()
        # Takes calls, then finishes those it has, then what its threads have in hand.
        longest = MeshSettings.model_fields["drain_s"].default + 2 * DRAIN_SECONDS

        numbers = re.findall(r"`(?:docker stop -t |stop_grace_period: |terminationGracePeriodSeconds: )(\d+)s?`", told)

        assert len(numbers) == 3
        assert len(set(numbers)) == 1
        assert longest < int(numbers[0]) < 2 * longest
