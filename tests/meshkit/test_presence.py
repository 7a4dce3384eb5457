"""Whose flows are abandoned: a process that dies leaves them at once, one that lives keeps them until the lease ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from marketmesh.ads.v1 import ad_service_pb2 as ads
from meshkit import idempotency
from meshkit.call import Call
from meshkit.db.tx import Transactions
from meshkit.errors import IdempotencyInProgress
from meshkit.idempotency import FlowClaim, Key
from meshkit.presence import Presence
from meshkit.resume import FlowResumer
from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def process(mesh: MeshHarness, transactions: Transactions) -> Iterator[Presence]:
    """Return how a process of ads shows that it lives."""
    with transactions.write(Call()) as tx:
        tx.execute(text("DELETE FROM idempotency_keys"))
    presence = Presence(mesh.stack.addresses.database_url("ads"))
    presence.hold()
    yield presence
    presence.close()


@pytest.fixture
def abandoned(
    mesh: MeshHarness, transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[str]]:
    """Return what the resume job would take up now."""

    def find() -> list[str]:
        found: list[str] = []
        monkeypatch.setattr(FlowResumer, "_resume", lambda self, row: found.append(row.key))
        FlowResumer(mesh.process("ads").unit_of_work, {}, {}).resume_all(transactions)
        return found

    return find


class TestPresence:
    def test_keeps_the_flows_of_a_process_that_lives(
        self, transactions: Transactions, process: Presence, abandoned: Callable[[], list[str]]
    ) -> None:
        key = a_key()
        begun = claim(transactions, key, process)

        assert abandoned() == []
        with pytest.raises(IdempotencyInProgress):
            claim(transactions, key, process)
        assert begun is not None

    def test_leaves_them_to_anybody_once_it_is_dead(
        self, mesh: MeshHarness, transactions: Transactions, process: Presence, abandoned: Callable[[], list[str]]
    ) -> None:
        key = a_key()
        begun = claim(transactions, key, process)
        kill(mesh)

        assert abandoned() == [key.key]
        process.hold()
        process.hold()
        kill(mesh)
        process.close()
        restarted = Presence(mesh.stack.addresses.database_url("ads"))
        restarted.hold()
        assert claim(transactions, key, restarted) == begun
        assert abandoned() == []
        restarted.close()

    def test_is_shown_again_after_the_connection_was_lost(
        self, mesh: MeshHarness, transactions: Transactions, process: Presence, abandoned: Callable[[], list[str]]
    ) -> None:
        claim(transactions, a_key(), process)
        kill(mesh)

        process.hold()
        unseen = process.number
        process.hold()

        assert unseen is None
        assert process.number is not None
        assert abandoned() == []

    def test_leaves_flows_without_a_process_to_their_lease(
        self, mesh: MeshHarness, transactions: Transactions, process: Presence, abandoned: Callable[[], list[str]]
    ) -> None:
        process.close()
        key = a_key()
        claim(transactions, key, process)

        early = abandoned()
        mesh.clock.advance(idempotency.FLOW_LEASE + timedelta(seconds=1))

        assert (early, abandoned()) == ([], [key.key])

    def test_leaves_what_was_given_up_alone(
        self, mesh: MeshHarness, transactions: Transactions, process: Presence, abandoned: Callable[[], list[str]]
    ) -> None:
        key = a_key()
        claim(transactions, key, process)
        with transactions.write(Call()) as tx:
            tx.execute(text("UPDATE idempotency_keys SET lease_until = expires_at + interval '24 hours'"))
        kill(mesh)

        assert abandoned() == []
        with pytest.raises(IdempotencyInProgress):
            claim(transactions, key, process)


def a_key() -> Key:
    request = ads.ServeAdRequest(placement=1)
    return Key.of(
        principal="p", method="m", key=uuid.uuid4().hex, request=request, keep=timedelta(hours=24), secret=b"k"
    )


def claim(transactions: Transactions, key: Key, process: Presence) -> Any:
    with transactions.write(Call()) as tx:
        return idempotency.claim(tx, key, flow=FlowClaim(b"", {}, run_by=process.number))


def kill(mesh: MeshHarness) -> None:
    """End the sessions that show a presence, as the kernel does when a process dies."""
    with mesh.transaction("ads") as tx:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
                " WHERE locktype = 'advisory' AND classid = 7362003"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
