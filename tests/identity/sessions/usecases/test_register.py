"""Registration is one: whichever of its steps fails, nothing of it stays."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from services.identity.accounts.data import users
from services.identity.sessions.data import sessions
from services.identity.sessions.usecases import open_session
from services.identity.stores.data import stores
from services.identity.stores.usecases import create_store
from tests.identity.people import People
from tests.support.identity import register_request
from tests.support.mesh_harness import MeshHarness, Refused

TABLES = (
    "users", "stores", "memberships", "sessions", "refresh_tokens", "outbox", "audit_log", "idempotency_keys",
)  # fmt: skip
STEPS = [
    (users, "add"),
    (stores, "add"),
    (stores, "add_member"),
    (create_store, "announce_gate"),
    (sessions, "add"),
    (sessions, "add_refresh_token"),
    (open_session, "issue_tokens"),
]


def counts(mesh: MeshHarness) -> dict[str, int]:
    return {table: mesh.rows("identity", f"SELECT count(*) AS n FROM {table}")[0].n for table in TABLES}


class TestRegister:
    @pytest.mark.parametrize(("module", "step"), STEPS, ids=lambda value: getattr(value, "__name__", value))
    def test_leaves_nothing_when_it_dies_after_a_step(
        self, mesh: MeshHarness, people: People, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
    ) -> None:
        request, key, real = register_request(), uuid.uuid4().hex, getattr(module, step)

        def die(*args: Any, **kwargs: Any) -> None:
            real(*args, **kwargs)
            raise RuntimeError("killed")

        before = counts(mesh)
        with monkeypatch.context() as patch:
            patch.setattr(module, step, die)
            with pytest.raises(Refused) as refused:
                mesh.call(people.auth.Register, request, key=key)
        after = counts(mesh)
        session, headers = mesh.call(people.auth.Register, request, key=key)

        assert refused.value.code == "INTERNAL"
        assert after == before
        assert (session.user.email, len(session.stores)) == (request.email, 1)
        assert "x-idempotent-replay" not in headers

    def test_leaves_nothing_when_the_database_refuses_the_last_row(self, mesh: MeshHarness, people: People) -> None:
        before = counts(mesh)
        mesh_owner(mesh, "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'full'; END $$ LANGUAGE plpgsql")
        mesh_owner(mesh, "CREATE TRIGGER refuse BEFORE INSERT ON outbox EXECUTE FUNCTION refuse()")
        try:
            with pytest.raises(Refused) as refused:
                mesh.call(people.auth.Register, register_request(), key=uuid.uuid4().hex)
        finally:
            mesh_owner(mesh, "DROP FUNCTION refuse() CASCADE")

        assert refused.value.code == "INTERNAL"
        assert counts(mesh) == before


def mesh_owner(mesh: MeshHarness, statement: str) -> None:
    """Run a statement as the owner of identity's tables."""
    from sqlalchemy import create_engine

    engine = create_engine(mesh.stack.addresses.database_url("identity", kind="owner"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
