"""A storm of sign-ins takes neither the database's connections nor the threads that say whether the service is well."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import text

from deploy.cli.waiting import until
from deploy.dev.stack import Embedded
from marketmesh.identity.v1 import auth_service_pb2 as messages
from marketmesh.identity.v1 import auth_service_pb2_grpc as stubs
from services.identity.outbound.passwords import Passwords
from tests.support.identity import PASSWORD, register_request
from tests.support.mesh_harness import MeshHarness, Refused

THREADS, CALLS = 4, 6
_CHANGE = text("UPDATE users SET password_hash = 'another' WHERE email = :email")


class Hashing:
    """Stands where Argon2 stands, and takes until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def verify(self, *_: object) -> bool:
        self.begun.release()
        assert self.go_on.wait(60)
        return True


@pytest.fixture(scope="module")
def small(embedded_stack: Embedded) -> Iterator[MeshHarness]:
    harness = MeshHarness(embedded_stack, settings={"rpc_threads": THREADS, "rpc_concurrency": CALLS})
    yield harness
    harness.close()


@pytest.fixture
def auth(small: MeshHarness) -> Any:
    return small.stub(stubs.AuthServiceStub, "identity")


@contextmanager
def passwords_of(harness: MeshHarness, passwords: Any) -> Iterator[None]:
    """Let the running service hash with these, and afterwards with its own again."""
    servicer = harness.process("identity").wiring.servicers[0].implementation
    own = servicer.passwords
    object.__setattr__(servicer, "passwords", passwords)
    try:
        yield
    finally:
        object.__setattr__(servicer, "passwords", own)


@contextmanager
def slow_hashing(harness: MeshHarness, *, turns: int) -> Iterator[Hashing]:
    """Make hashing take as long as the test says, with so many turns and no queue."""
    hashing, passwords = Hashing(), Passwords(workers=turns, waiting=0)
    passwords.__dict__["_nobody"] = "nobody's"
    passwords._argon2 = hashing  # type: ignore[assignment]
    with passwords_of(harness, passwords):
        try:
            yield hashing
        finally:
            hashing.go_on.set()


def sign_in(small: MeshHarness, auth: Any, email: str) -> str:
    try:
        small.call(auth.Login, messages.LoginRequest(email=email, password=PASSWORD))
    except Refused as refused:
        return refused.code
    return "OK"


def health(small: MeshHarness) -> int:
    stub = small.stub(health_pb2_grpc.HealthStub, "identity")
    return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=30).status)


class TestStorm:
    def test_holds_no_connection_and_keeps_no_other_call_waiting(self, small: MeshHarness, auth: Any) -> None:
        person = register_request()
        _, headers = small.call(auth.Register, person, key=uuid.uuid4().hex)
        database = small.process("identity").database

        with ThreadPoolExecutor(2) as callers, slow_hashing(small, turns=2) as hashing:
            storm = [callers.submit(sign_in, small, auth, person.email) for _ in range(2)]
            assert all(hashing.begun.acquire(timeout=60) for _ in range(2))
            held = [engine.pool.checkedout() for engine in database.engines]  # type: ignore[attr-defined]
            small.call(auth.Refresh, messages.RefreshRequest(refresh_token=headers["x-refresh-token"]))
            with pytest.raises(Refused) as third:
                small.call(auth.Login, messages.LoginRequest(email=person.email, password=PASSWORD))
            hashing.go_on.set()

        assert held == [0, 0, 0]
        assert (third.value.code, third.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert third.value.headers["retry-after"] == "2"
        assert [each.result() for each in storm] == ["OK", "OK"]

    def test_does_not_make_a_repeat_of_an_answered_call_wait(self, small: MeshHarness, auth: Any) -> None:
        person, key = register_request(), uuid.uuid4().hex
        small.call(auth.Register, person, key=key)
        full = Passwords(workers=1, waiting=0)
        full._turns.acquire()

        with passwords_of(small, full):
            _, headers = small.call(auth.Register, person, key=key)
            person.company_name = "Another"
            with pytest.raises(Refused) as reused:
                small.call(auth.Register, person, key=key)

        assert headers["x-idempotent-replay"] == "true"
        assert reused.value.reason == "IDEMPOTENCY_KEY_REUSED"

    def test_of_more_calls_than_threads_is_told_to_come_back_while_health_answers(
        self, small: MeshHarness, auth: Any
    ) -> None:
        with ThreadPoolExecutor(CALLS) as callers, slow_hashing(small, turns=CALLS) as hashing:
            storm = [callers.submit(sign_in, small, auth, f"{uuid.uuid4().hex}@example.com") for _ in range(CALLS)]
            assert all(hashing.begun.acquire(timeout=60) for _ in range(THREADS))
            until("the rest waits for a thread", lambda: self.is_full(small), seconds=60)
            well = health(small)
            with pytest.raises(Refused) as refused:
                small.call(auth.GetJwks, messages.GetJwksRequest())
            hashing.go_on.set()

        assert well == health_pb2.HealthCheckResponse.SERVING
        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert refused.value.headers["retry-after"] == "1"
        # Nothing of it was begun, so nothing is unknown.
        assert "unknown" not in refused.value.metadata["fix"]
        assert [each.result() for each in storm] == ["UNAUTHENTICATED"] * CALLS
        keys, _ = small.call(auth.GetJwks, messages.GetJwksRequest())
        assert keys.data

    def is_full(self, small: MeshHarness) -> bool:
        """Ask with a call that costs nothing; the bound counts those that run and those that wait."""
        stub = small.stub(stubs.AuthServiceStub, "identity")
        try:
            stub.GetJwks(messages.GetJwksRequest(), timeout=0.2)
        except grpc.RpcError as error:
            return bool(error.code() is grpc.StatusCode.UNAVAILABLE)
        return False


class TestLogin:
    def test_refuses_a_password_that_was_changed_after_it_was_compared(self, mesh: MeshHarness) -> None:
        auth = mesh.stub(stubs.AuthServiceStub, "identity")
        person = register_request()
        mesh.call(auth.Register, person, key=uuid.uuid4().hex)
        real = mesh.process("identity").wiring.servicers[0].implementation.passwords

        class Changing:
            def matches(self, stored: str | None, password: str) -> bool:
                fits = bool(real.matches(stored, password))
                with mesh.as_owner("identity") as tx:
                    tx.execute(_CHANGE, {"email": person.email})
                return fits

        with passwords_of(mesh, Changing()), pytest.raises(Refused) as refused:
            mesh.call(auth.Login, messages.LoginRequest(email=person.email, password=PASSWORD))

        assert refused.value.reason == "CREDENTIALS_INVALID"
