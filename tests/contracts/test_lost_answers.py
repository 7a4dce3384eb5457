"""A write that stands although its caller was told 503: the answer promises nothing, and the same key finds the effect.

The database's connection is lost right behind a commit, once, in every write there is.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from google.rpc import code_pb2
from sqlalchemy.exc import OperationalError

from deploy.dev.stack import Embedded
from gateway.local_replies import local_replies
from meshkit import errors
from meshkit.db.engine import Database, Session
from meshkit.grpc.policy import MethodPolicy
from tests.contracts.samples import SAMPLES
from tests.contracts.test_standard_set import KEYED, path_of
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


@contextmanager
def lost_after_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let the next commit on a database stand and its answer get lost; yields what was lost."""
    commit = Session.commit
    lost: list[str] = []

    def losing(session: Session) -> None:
        commit(session)
        if session.engine in database.engines and not lost:
            lost.append("answer")
            raise OperationalError("COMMIT", {}, psycopg.OperationalError("the connection is lost"))

    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", losing)
        yield lost


class TestEveryWrite:
    @pytest.mark.parametrize("policy", KEYED, ids=path_of)
    def test_says_that_it_is_unknown_and_is_found_under_the_same_key(
        self, world: World, policy: MethodPolicy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sample, key = SAMPLES[policy.path](world), uuid.uuid4().hex
        method, owner = world.method(policy.path), policy.path.split(".")[1]

        def call() -> Any:
            return world.mesh.call(method, sample.request, token=sample.token, key=key)

        with lost_after_commit(world.mesh.process(owner).database, monkeypatch) as lost, pytest.raises(Refused) as told:
            call()
        # At once: nobody works on it any more.
        call()
        _, headers = call()

        assert lost == ["answer"]
        assert (told.value.reason, told.value.code) == ("DEPENDENCY_ERROR", "UNAVAILABLE")
        assert_promises_nothing(f"{told.value.message} {told.value.metadata['fix']}")
        assert headers["x-idempotent-replay"] == "true"


class TestAnswers:
    @pytest.mark.parametrize("error", [errors.DependencyUnavailable, errors.InternalError], ids=lambda e: e.reason)
    def test_of_services_name_the_key(self, error: type[errors.MeshError]) -> None:
        assert "same Idempotency-Key" in error.fix
        assert "nothing" not in error.fix

    def test_of_the_gateway_promise_nothing(self) -> None:
        late = {code_pb2.UNAVAILABLE, code_pb2.DEADLINE_EXCEEDED}
        replies = [reply for reply in local_replies(owners=("commerce",), body_bytes_max=1) if reply.code in late]
        # Keys that are not there yet, and a mesh that is not ready, stop a call before it begins.
        begun = [reply for reply in replies if reply.metadata["dependency"] in {"commerce", "gateway"}]

        assert len(begun) == 3
        for reply in begun:
            assert_promises_nothing(reply.message)


def assert_promises_nothing(text: str) -> None:
    assert "unknown" in text
    assert "same Idempotency-Key" in text
    assert "nothing" not in text
