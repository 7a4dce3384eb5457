"""The audit log: no secrets in it, no way to change it, and a changed row is found."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from marketmesh.identity.v1 import auth_service_pb2 as messages
from meshkit import audit
from meshkit.audit_anchor import Anchorer, Anchors
from meshkit.chassis_jobs import chassis_jobs
from meshkit.db.tx import Tx
from meshkit.jobs import JobRunner
from meshkit.settings import RetentionSettings
from tests.identity.people import People
from tests.support.identity import register_request
from tests.support.mesh_harness import MeshHarness, Refused
from tests.support.statements import owner_transaction

SECRET = "a password nobody may ever read"


@pytest.fixture
def owner(mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction of the owner; nothing of it stays."""
    mesh.start("identity")
    url = mesh.stack.addresses.database_url("identity", kind="owner")
    with owner_transaction(url, now=mesh.clock.now()) as tx:
        yield tx


class TestRedaction:
    def test_keeps_passwords_and_tokens_out_of_every_row(self, mesh: MeshHarness, people: People) -> None:
        request = register_request()
        request.password = SECRET
        _, headers = mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)
        mesh.call(people.auth.Login, messages.LoginRequest(email=request.email, password=SECRET))
        with pytest.raises(Refused):
            mesh.call(people.auth.Login, messages.LoginRequest(email=request.email, password=SECRET + "?"))
        with pytest.raises(Refused):
            mesh.call(people.auth.AdminLogin, messages.LoginRequest(email=request.email, password=SECRET))
        mesh.call(people.auth.Refresh, messages.RefreshRequest(refresh_token=headers["x-refresh-token"]))

        rows = [str(tuple(row)) for row in mesh.rows("identity", "SELECT * FROM audit_log")]

        assert len(rows) > 3
        for secret in (SECRET, headers["x-access-token"], headers["x-refresh-token"], request.email, "$argon2id"):
            assert not [row for row in rows if secret in row]


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement", ["UPDATE audit_log SET actor = 'me'", "DELETE FROM audit_log", "TRUNCATE audit_log CASCADE"]
    )
    def test_gives_the_service_no_way_to_change_a_row(self, mesh: MeshHarness, people: People, statement: str) -> None:
        people.decide(people.filed(people.store()).id, "verified")
        before = mesh.rows("identity", "SELECT count(*) AS n FROM audit_log")[0].n

        with pytest.raises(DBAPIError) as refused, mesh.transaction("identity") as tx:
            tx.execute(text(statement))

        assert refused.value.orig.sqlstate == "42501"
        assert mesh.rows("identity", "SELECT count(*) AS n FROM audit_log")[0].n == before

    def test_refuses_the_owner_too_while_the_trigger_is_on(self, mesh: MeshHarness, people: People) -> None:
        people.decide(people.filed(people.store()).id, "verified")
        engine = create_engine(mesh.stack.addresses.database_url("identity", kind="owner"))

        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text("UPDATE audit_log SET actor = 'me'"))

        engine.dispose()


class TestRows:
    def test_are_one_for_each_object_and_are_chained(self, mesh: MeshHarness) -> None:
        changed, made = uuid.uuid4(), uuid.uuid4()
        with mesh.transaction("identity") as tx:
            audit.write_rows(
                tx, action="probe.sweep",
                changes=[audit.Change(changed, {"status": "a"}, {"status": "b"}), audit.Change(made, after={"n": 1})],
            )  # fmt: skip
        link(mesh)

        sql = "SELECT * FROM audit_log WHERE action = 'probe.sweep' AND target = ANY(:targets) ORDER BY seq"
        first, second = mesh.rows("identity", sql, targets=[str(changed), str(made)])
        assert (first.target, first.before, first.after) == (str(changed), {"status": "a"}, {"status": "b"})
        assert (second.target, second.before, second.after) == (str(made), None, {"n": 1})
        assert (first.actor, first.outcome, first.request) == ("service:system", "ok", {})
        assert first.request_id.startswith("test-")
        linked = mesh.rows("identity", "SELECT 1 FROM audit_chain WHERE audit_id = :id", id=first.id)
        assert len(linked) == 1

    def test_of_nothing_are_none(self, mesh: MeshHarness) -> None:
        with mesh.transaction("identity") as tx:
            audit.write_rows(tx, action="probe.nothing", changes=[])

        assert mesh.rows("identity", "SELECT 1 FROM audit_log WHERE action = 'probe.nothing'") == []


class TestChain:
    def test_links_every_row_and_finds_nothing_broken(self, mesh: MeshHarness, people: People) -> None:
        people.decide(people.filed(people.store()).id, "verified")

        link(mesh)

        sql = "SELECT count(*) AS n FROM audit_log l WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.audit_id = l.id)"
        assert mesh.rows("identity", sql)[0].n == 0
        with mesh.transaction("identity") as tx:
            assert audit.chain_of(tx).broken is None

    @pytest.mark.parametrize(
        "change",
        [
            "outcome = 'forged'",
            "actor = 'somebody else'",
            'after = \'{"status": "rejected"}\'',
            "occurred_at = occurred_at + interval '1 microsecond'",
        ],
    )
    def test_finds_the_first_row_that_was_changed(
        self, mesh: MeshHarness, people: People, owner: Tx, change: str
    ) -> None:
        filed = [people.filed(people.store()).id for _ in range(2)]
        for license_id in filed:
            people.decide(license_id, "verified")
        link_in(owner)

        owner.execute(text(f"UPDATE audit_log SET {change} WHERE target = ANY(:targets)"), {"targets": filed})

        assert audit.chain_of(owner).broken == str(people.audited("license.decide", filed[0])[0].id)

    def test_finds_a_row_that_was_removed(self, mesh: MeshHarness, people: People, owner: Tx) -> None:
        filed = [people.filed(people.store()).id for _ in range(2)]
        for license_id in filed:
            people.decide(license_id, "verified")
        link_in(owner)
        gone = people.audited("license.decide", filed[0])[0].id
        owner.execute(text("ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_audit_id_fk"))

        owner.execute(text("DELETE FROM audit_log WHERE id = :id"), {"id": gone})

        assert audit.chain_of(owner).broken == str(gone)

    def test_finds_the_last_row_that_was_removed(self, people: People, owner: Tx) -> None:
        people.decide(people.filed(people.store()).id, "verified")
        link_in(owner)
        owner.execute(text("ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_audit_id_fk"))
        last = owner.execute(text("SELECT audit_id FROM audit_chain ORDER BY position DESC LIMIT 1")).scalar()

        owner.execute(text("DELETE FROM audit_log WHERE id = :id"), {"id": last})

        assert audit.chain_of(owner).broken == str(last)

    def test_says_which_row_was_never_linked(self, people: People, owner: Tx) -> None:
        people.decide(people.filed(people.store()).id, "verified")
        link_in(owner)
        owner.execute(text("DELETE FROM audit_chain"))
        first = owner.execute(text("SELECT id FROM audit_log ORDER BY seq LIMIT 1")).scalar()

        owner.now += timedelta(minutes=3)

        assert audit.never_linked(owner) == str(first)


class TestAnchors:
    """The chain against what was kept of it outside the database, when somebody owns the database whole."""

    @pytest.fixture
    def anchors(self, people: People, owner: Tx, tmp_path: Path) -> Anchors:
        people.decide(people.filed(people.store()).id, "verified")
        link_in(owner)
        anchors = Anchors(tmp_path / "anchors", "identity", "k" * 40)
        head = audit.head_of(owner)
        assert head is not None
        anchors.add(head)
        assert anchors.problems(audit.chain_of(owner)) == []
        return anchors

    def test_are_private(self, anchors: Anchors) -> None:
        assert [stat.S_IMODE(path.stat().st_mode) for path in (anchors.folder, anchors.file)] == [0o700, 0o600]

    def test_find_a_tail_that_was_cut_with_its_rows(self, anchors: Anchors, owner: Tx) -> None:
        owner.execute(
            text(
                "WITH cut AS (DELETE FROM audit_chain WHERE position > (SELECT max(position) - 1 FROM audit_chain)"
                " RETURNING audit_id) DELETE FROM audit_log WHERE id IN (SELECT audit_id FROM cut)"
            )
        )
        chain = audit.chain_of(owner)

        assert chain.broken is None
        assert "was cut" in anchors.problems(chain)[0]

    def test_find_a_changed_log_that_was_linked_anew(self, anchors: Anchors, owner: Tx) -> None:
        owner.execute(text("DELETE FROM audit_chain"))
        owner.execute(text("UPDATE audit_log SET actor = 'me' WHERE seq = (SELECT min(seq) FROM audit_log)"))
        while audit.link_new_rows(owner):
            continue
        chain = audit.chain_of(owner)

        assert chain.broken is None
        assert "linked anew" in anchors.problems(chain)[0]

    @pytest.mark.parametrize("line", ["", "nonsense", '{"position": 1, "hash": "00", "signature": "00"}', "[]"])
    def test_find_a_line_that_nobody_signed(self, anchors: Anchors, owner: Tx, line: str) -> None:
        anchors.file.write_text(anchors.file.read_text() + line + "\n")

        assert "not an anchor" in anchors.problems(audit.chain_of(owner))[0]

    def test_are_added_for_each_new_head_once(self, mesh: MeshHarness, people: People, tmp_path: Path) -> None:
        anchorer = Anchorer(mesh.process("identity").transactions, Anchors(tmp_path, "identity", "k" * 40))
        people.decide(people.filed(people.store()).id, "verified")
        link(mesh)

        first = anchorer.anchor()
        again = anchorer.anchor(first)
        people.decide(people.filed(people.store()).id, "verified")
        link(mesh)
        second = anchorer.anchor(again)

        assert first == again < second
        assert len(anchorer.anchors.file.read_text().splitlines()) == 2
        with mesh.transaction("identity") as tx:
            assert anchorer.anchors.problems(audit.chain_of(tx)) == []


def link(mesh: MeshHarness) -> None:
    """Let the audit job run until nothing is left to link."""
    process = mesh.process("identity")
    for _ in range(20):
        mesh.clock.advance(chassis_jobs(RetentionSettings())[0].every)
        ran = JobRunner(chassis_jobs(RetentionSettings())[:1], process.transactions).run_due()
        assert ran == ["audit_chain"]
        with mesh.transaction("identity") as tx:
            if audit.link_new_rows(tx) == 0:
                return


def link_in(tx: Tx) -> None:
    """Link what is left inside the owner's transaction, then switch the triggers off in it."""
    while audit.link_new_rows(tx):
        continue
    tx.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
    tx.execute(text("ALTER TABLE audit_chain DISABLE TRIGGER USER"))
