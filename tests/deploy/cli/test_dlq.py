"""`marketmesh dlq`: dead letters are found, shown and put back; putting one back twice has one effect."""

from __future__ import annotations

import getpass
import random
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from deploy.cli import dead_letters, doctor_checks
from deploy.cli.main import app
from deploy.tools.contracts import services_present
from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.errors import NotFound
from meshkit.events.bus import Received
from meshkit.events.consume import ConsumerRunner
from meshkit.events.envelope import ONLY_FOR, SENT_TO_ALL_AT, Envelope
from meshkit.events.registry import Consumer
from tests.docs.commands import Command, commands
from tests.docs.reading import ROOT
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

# What documents tell people to type who publish an event again without `marketmesh dlq`.
BY_HAND = [command for command in commands() if command.text.startswith("UPDATE outbox")]
AWAY = "postgresql+psycopg://nobody:nothing@127.0.0.1:1/none"
_KILL = text(
    """
    WITH dead AS (DELETE FROM outbox WHERE ordering_key = :key RETURNING *)
    INSERT INTO outbox_dlq (event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts,
                            failed_at)
    SELECT event_id, type, version, topic, ordering_key, payload, headers, :reason, 'bus away', 10, :now FROM dead
    RETURNING event_id
    """
)


@pytest.fixture
def dead_letter(mesh: MeshHarness) -> tuple[str, str]:
    """Return the event id and the user of an agent_created event that could not be published."""
    mesh.start(*services_present())
    event_id = kill_one(mesh)
    (row,) = mesh.rows("identity", "SELECT * FROM outbox_dlq WHERE event_id = CAST(:id AS uuid)", id=event_id)
    return event_id, row.ordering_key


def dlq(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["dlq", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


class TestList:
    def test_names_what_is_dead_and_why(self, dead_letter: tuple[str, str]) -> None:
        line = next(line for line in dlq("list", "--type", "agent_created").splitlines() if dead_letter[0] in line)

        assert line.split()[:6] == ["identity", "outbox", dead_letter[0], "agent_created", "max_attempts", "10"]

    def test_filters_by_service(self, dead_letter: tuple[str, str]) -> None:
        assert dead_letter[0] not in dlq("list", "--service", "finance")

    def test_tells_when_it_was_put_back_and_that_it_is_no_longer_waiting(self, dead_letter: tuple[str, str]) -> None:
        def line(*more: str) -> str:
            told = dlq("list", "--service", "identity", *more).splitlines()
            return next((line for line in told if dead_letter[0] in line), "")

        assert line().endswith("  -")

        dlq("replay", dead_letter[0])

        assert line() == ""
        assert re.search(r"\dZ  +\S+Z  +-  +-$", line("--all"))


class TestShow:
    def test_decodes_the_payload(self, dead_letter: tuple[str, str]) -> None:
        shown = dlq("show", dead_letter[0])

        assert f'user_id: "{dead_letter[1]}"' in shown
        assert "bus away" in shown
        assert "identity: agent_created v1 could not be published" in shown
        assert "applied by   nobody" in shown

    def test_of_an_unreadable_payload_shows_its_bytes(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        with mesh.transaction("identity") as tx:
            tx.execute(
                text("UPDATE outbox_dlq SET payload = '\\xff' WHERE event_id = CAST(:id AS uuid)"),
                {"id": dead_letter[0]},
            )

        assert re.search(r"\(unreadable: .*\) ff", dlq("show", dead_letter[0]))

    def test_an_unknown_id_is_a_clear_failure(self, dead_letter: tuple[str, str]) -> None:
        result = CliRunner().invoke(app, ["dlq", "show", str(uuid.uuid4())])

        assert result.exit_code == 1
        assert "no dead letter" in result.output


class TestReplay:
    def test_keeps_the_event_id_so_that_twice_has_one_effect(
        self, mesh: MeshHarness, dead_letter: tuple[str, str]
    ) -> None:
        event_id, user_id = dead_letter
        dlq("replay", event_id)
        mesh.pump()
        dlq("replay", event_id)
        mesh.pump()

        seen = mesh.rows("fulfillment", "SELECT 1 FROM inbox WHERE event_id = CAST(:id AS uuid)", id=event_id)
        agents = mesh.rows("fulfillment", "SELECT 1 FROM agents WHERE user_id = CAST(:id AS uuid)", id=user_id)
        assert (len(seen), len(agents)) == (1, 1)

    def test_is_audited(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        dlq("replay", dead_letter[0])

        rows = mesh.rows("identity", "SELECT action, outcome FROM audit_log WHERE target = :id", id=dead_letter[0])
        assert [tuple(row) for row in rows] == [("dlq.replay", "ok")]


class TestDiscard:
    WHY = ("--reason", "of a seller that never was")

    def test_without_yes_tells_what_it_would_do_and_changes_nothing(
        self, mesh: MeshHarness, dead_letter: tuple[str, str]
    ) -> None:
        told = dlq("discard", dead_letter[0], *self.WHY)

        assert re.search(r"identity +outbox +agent_created +max_attempts +1", told)
        assert "nothing was changed. Repeat with --yes" in told
        assert dead_letter[0] in dlq("list")
        assert mesh.rows("identity", "SELECT 1 FROM audit_log WHERE target = :id", id=dead_letter[0]) == []

    def test_is_shown_when_asked_for_and_audited(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        dlq("discard", dead_letter[0], *self.WHY, "--yes")

        assert dead_letter[0] not in dlq("list")
        assert re.search(rf"{dead_letter[0]}.* of a seller that never was", dlq("list", "--discarded"))
        assert re.search(rf"{dead_letter[0]}.* of a seller that never was", dlq("list", "--all"))
        assert re.search(r"discarded at \S+Z by .*: of a seller that never was", dlq("show", dead_letter[0]))
        (row,) = mesh.rows("identity", "SELECT * FROM audit_log WHERE target = :id", id=dead_letter[0])
        assert (row.action, row.actor, row.before["side"]) == ("dlq.discard", "service:operator", "outbox")
        assert row.after == {"by": getpass.getuser(), "why": "of a seller that never was"}

    def test_contents_doctor(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        def dead() -> int:
            ((count,),) = mesh.rows("identity", doctor_checks._DEAD)
            return int(count)

        before = dead()

        dlq("discard", dead_letter[0], *self.WHY, "--yes")

        assert dead() == before - 1

    def test_again_answers_that_it_stands(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        dlq("discard", dead_letter[0], *self.WHY, "--yes")

        told = dlq("discard", dead_letter[0], "--reason", "another", "--yes")

        assert re.search(r"at outbox is discarded already: \S+Z by .*: of a seller that never was", told)
        assert len(mesh.rows("identity", "SELECT 1 FROM audit_log WHERE target = :id", id=dead_letter[0])) == 1

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x1bb"])
    def test_needs_a_reason(self, dead_letter: tuple[str, str], reason: str) -> None:
        result = CliRunner().invoke(app, ["dlq", "discard", dead_letter[0], "--reason", reason, "--yes"])

        assert result.exit_code == 1
        assert "--reason: say in 1 to 500" in result.output
        assert dead_letter[0] in dlq("list")

    def test_of_what_was_put_back_is_refused(self, dead_letter: tuple[str, str]) -> None:
        dlq("replay", dead_letter[0])

        result = CliRunner().invoke(app, ["dlq", "discard", dead_letter[0], *self.WHY, "--yes"])

        assert result.exit_code == 1
        assert "was put back at" in result.output

    def test_can_be_of_one_consumer_alone(self, mesh: MeshHarness, probe: Probe) -> None:
        _, event_id = probe.refused_event()

        refused = CliRunner().invoke(app, ["dlq", "discard", event_id, *self.WHY, "--consumer", "outbox", "--yes"])
        dlq("discard", event_id, *self.WHY, "--consumer", probe.consumer.subscription, "--yes")

        assert f"{event_id} is not dead at outbox" in refused.output
        assert dlq("list").strip() == "dlq: nothing is dead"

    def test_ends_when_it_dies_again(self, mesh: MeshHarness, probe: Probe) -> None:
        _, event_id = probe.refused_event()
        dlq("discard", event_id, *self.WHY, "--yes")

        probe.refuse(event_id)

        assert event_id in dlq("list")
        assert event_id not in dlq("list", "--discarded")

    def test_ends_when_it_is_put_back_all_the_same(self, mesh: MeshHarness, probe: Probe) -> None:
        user_id, event_id = probe.refused_event()
        dlq("discard", event_id, *self.WHY, "--yes")
        dlq("replay-all", "--yes")
        left_alone = unpublished(mesh, event_id)

        probe.mended = True
        dlq("replay", event_id)
        probe.deliver_unpublished()

        assert (left_alone, probe.applied) == (0, [user_id])
        assert event_id not in dlq("list", "--discarded")


class TestForWhom:
    """What is put back is for those that had refused it."""

    @staticmethod
    def meant(mesh: MeshHarness, event_id: str) -> str | None:
        (row,) = mesh.rows("identity", "SELECT headers FROM outbox WHERE event_id = CAST(:id AS uuid)", id=event_id)
        only: str | None = row.headers.get(ONLY_FOR)
        return only

    def test_nobody_else_applies_what_its_owner_no_longer_has(self, mesh: MeshHarness, probe: Probe) -> None:
        user_id, event_id = probe.refused_event()
        for service, table in (("identity", "outbox"), ("fulfillment", "inbox")):
            with mesh.transaction(service) as tx:
                tx.execute(text(f"DELETE FROM {table} WHERE event_id = CAST(:id AS uuid)"), {"id": event_id})

        dlq("replay", event_id)
        mesh.pump()

        assert self.meant(mesh, event_id) == probe.consumer.subscription
        assert consumers_of(mesh, event_id) == []

    def test_what_could_not_be_published_is_for_all(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        dlq("replay", dead_letter[0])

        assert self.meant(mesh, dead_letter[0]) is None

    def test_what_waits_for_one_waits_for_another_as_well(self, mesh: MeshHarness, probe: Probe) -> None:
        _, event_id = probe.refused_event()
        other = Probe(mesh, service="media")
        other.refuse(event_id)

        for consumer in (probe.consumer, other.consumer):
            dlq("replay-all", "--consumer", consumer.subscription, "--yes")

        assert self.meant(mesh, event_id) == f"{probe.consumer.subscription},{other.consumer.subscription}"

    def test_names_nobody_twice_however_often_it_is_put_back(self, mesh: MeshHarness, probe: Probe) -> None:
        user_id, event_id = probe.refused_event()
        other = Probe(mesh, service="media")
        other.refuse(event_id)

        for _ in range(3):
            dlq("replay", event_id)
            probe.refuse(event_id)
        waiting = self.meant(mesh, event_id)
        with mesh.transaction("identity") as tx:
            tx.execute(_KILL, {"key": user_id, "now": tx.now, "reason": "max_attempts"})
        dlq("replay", event_id)

        assert waiting == f"{probe.consumer.subscription},{other.consumer.subscription}"
        assert self.meant(mesh, event_id) == waiting

    def test_what_was_for_one_and_could_not_be_published_stays_for_it(self, mesh: MeshHarness, probe: Probe) -> None:
        user_id, event_id = probe.refused_event()
        dlq("replay", event_id)
        with mesh.transaction("identity") as tx:
            tx.execute(_KILL, {"key": user_id, "now": tx.now, "reason": "max_attempts"})

        dlq("replay", event_id)

        assert self.meant(mesh, event_id) == probe.consumer.subscription


class TestPublishedAgainByHand:
    @pytest.mark.parametrize("command", BY_HAND, ids=lambda command: command.document)
    def test_is_for_all_whomever_it_was_put_back_for(self, mesh: MeshHarness, probe: Probe, command: Command) -> None:
        _, event_id = probe.refused_event()
        mesh.clock.advance(timedelta(seconds=1))
        dumped = mesh.clock.now()
        mesh.clock.advance(timedelta(seconds=1))
        dlq("replay", event_id)
        mesh.pump()
        with mesh.transaction("fulfillment") as tx:
            tx.execute(text("DELETE FROM inbox WHERE event_id = CAST(:id AS uuid)"), {"id": event_id})

        typed = command.text.replace("'<time of the dump>'", f"'{dumped.isoformat()}'")
        typed = typed.replace("event_id = '…'", f"event_id = '{event_id}'").replace("'…'", "'identity.user.v1'")
        with mesh.transaction("identity") as tx:
            tx.execute(text(typed))
        mesh.pump()

        assert consumers_of(mesh, event_id) == ["fulfillment.identity.user.v1"]
        (row,) = mesh.rows("identity", "SELECT headers FROM outbox WHERE event_id = CAST(:id AS uuid)", id=event_id)
        assert not row.headers.keys() & {ONLY_FOR, SENT_TO_ALL_AT}

    def test_is_told_in_two_documents(self) -> None:
        assert len({command.document for command in BY_HAND}) == 2


class TestFilters:
    @pytest.mark.parametrize(
        ("fits", "fits_not"),
        [
            (["--service", "identity"], ["--service", "finance"]),
            (["--type", "agent_created"], ["--type", "order_created"]),
            (["--consumer", "outbox"], ["--consumer", "fulfillment.identity.user.v1"]),
            (["--reason", "max_attempts"], ["--reason", "non_retryable"]),
            (["--since", "1h"], ["--until", "1h"]),
            (["--until", "2999-01-01T00:00"], ["--since", "2999-01-01T00:00"]),
        ],
        ids=lambda words: words[0],
    )
    def test_narrow_down(self, dead_letter: tuple[str, str], fits: list[str], fits_not: list[str]) -> None:
        assert dead_letter[0] in dlq("list", *fits)
        assert dead_letter[0] not in dlq("list", *fits_not)

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (["--service", "fynance"], "no service is called fynance; there are: identity"),
            (["--type", "order_creatd"], "no type of event is called order_creatd"),
            (["--consumer", "nobody"], "no consumer is called nobody; there are: outbox"),
            (["--reason", "bad"], "no reason is called bad; there are: max_attempts, non_retryable"),
            (["--since", "yesterday"], "yesterday is no time"),
        ],
        ids=lambda words: words[0],
    )
    def test_that_are_a_slip_are_refused(self, dead_letter: tuple[str, str], words: list[str], complaint: str) -> None:
        for command in ("list", "replay-all"):
            result = CliRunner().invoke(app, ["dlq", command, *words])

            assert result.exit_code == 1
            assert complaint in result.output


class TestReplayAll:
    def test_without_yes_tells_what_it_would_do_and_changes_nothing(
        self, mesh: MeshHarness, dead_letter: tuple[str, str]
    ) -> None:
        told = dlq("replay-all", "--service", "identity", "--type", "agent_created")

        assert re.search(r"identity +outbox +agent_created +max_attempts +\d+", told)
        assert "nothing was changed. Repeat with --yes" in told
        assert dead_letter[0] in dlq("list")
        assert unpublished(mesh, dead_letter[0]) == 0
        assert mesh.rows("identity", "SELECT 1 FROM audit_log WHERE target = :id", id=dead_letter[0]) == []

    def test_puts_back_what_fits_and_leaves_the_rest(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        other = kill_one(mesh, reason="non_retryable")

        dlq("replay-all", "--type", "agent_created", "--reason", "max_attempts", "--yes")

        assert (unpublished(mesh, dead_letter[0]), unpublished(mesh, other)) == (1, 0)
        assert dead_letter[0] not in dlq("list")
        assert other in dlq("list")

    def test_tells_its_progress(self, mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        mesh.start(*services_present())
        dlq("replay-all", "--yes")
        for _ in range(5):
            kill_one(mesh)
        monkeypatch.setattr(dead_letters, "BATCH", 2)

        told = dlq("replay-all", "--service", "identity", "--since", "1h", "--yes")

        assert [line for line in told.splitlines() if line.startswith("dlq: ")] == [
            "dlq: 2 of 5 put back",
            "dlq: 4 of 5 put back",
            "dlq: 5 of 5 put back",
            "dlq: 5 are on their way again. `marketmesh dlq list` in a minute shows what died once more",
        ]
        assert dlq("list").strip() == "dlq: nothing is dead"

    def test_audits_every_letter(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        other = kill_one(mesh)

        dlq("replay-all", "--type", "agent_created", "--yes")

        for event_id in (dead_letter[0], other):
            (row,) = mesh.rows(
                "identity", "SELECT * FROM audit_log WHERE target = :id AND action = 'dlq.replay'", id=event_id
            )
            assert (row.actor, row.outcome, row.before["side"]) == ("service:operator", "ok", "outbox")
            assert row.after == {"by": getpass.getuser()}

    def test_what_one_consumer_refused_is_applied_by_it_and_by_nobody_twice(
        self, mesh: MeshHarness, probe: Probe
    ) -> None:
        user_id, event_id = probe.refused_event()
        applied_before = consumers_of(mesh, event_id)

        probe.mended = True
        dlq("replay-all", "--consumer", probe.consumer.subscription, "--type", "agent_created", "--yes")
        probe.deliver_unpublished()
        mesh.pump()
        dlq("replay", event_id)
        probe.deliver_unpublished()
        mesh.pump()

        assert applied_before == ["fulfillment.identity.user.v1"]
        assert probe.applied == [user_id]
        assert consumers_of(mesh, event_id) == [probe.consumer.subscription, "fulfillment.identity.user.v1"]
        agents = mesh.rows("fulfillment", "SELECT 1 FROM agents WHERE user_id = CAST(:id AS uuid)", id=user_id)
        assert len(agents) == 1

    def test_what_its_owner_no_longer_has_is_written_again_from_the_letter(
        self, mesh: MeshHarness, probe: Probe
    ) -> None:
        user_id, event_id = probe.refused_event()
        with mesh.transaction("identity") as tx:
            tx.execute(text("DELETE FROM outbox WHERE event_id = CAST(:id AS uuid)"), {"id": event_id})

        probe.mended = True
        dlq("replay-all", "--consumer", probe.consumer.subscription, "--yes")
        probe.deliver_unpublished()

        assert probe.applied == [user_id]

    def test_a_letter_that_dies_again_meanwhile_stays(self, mesh: MeshHarness, probe: Probe) -> None:
        _, event_id = probe.refused_event()
        with dead_letters.dead_letters() as letters:
            (seen,) = letters.find(dead_letters.Filter(event_id=uuid.UUID(event_id)))
            mesh.clock.advance(timedelta(seconds=1))
            probe.refuse(event_id)

            list(letters.replay([seen]))

            assert [
                letter.row.replayed_at for letter in letters.find(dead_letters.Filter(event_id=seen.row.event_id))
            ] == [None]


class TestForgotten:
    @pytest.fixture
    def old(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> str:
        """Return the id of a dead event of 46 days ago: no inbox knows it."""
        at = datetime.now(UTC) - timedelta(days=46)
        event_id = uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | random.getrandbits(60))
        with mesh.transaction("identity") as tx:
            tx.execute(
                text("UPDATE outbox_dlq SET event_id = :id WHERE event_id = CAST(:was AS uuid)"),
                {"id": event_id, "was": dead_letter[0]},
            )
        return str(event_id)

    def test_are_not_put_back_by_a_filter(self, mesh: MeshHarness, old: str) -> None:
        told = dlq("replay-all", "--type", "agent_created", "--yes")

        assert "1 left alone: consumers may have forgotten" in told
        assert unpublished(mesh, old) == 0
        assert old in dlq("list")
        dlq("replay", old, "--even-if-forgotten")

    def test_are_put_back_one_by_one_only_by_who_insists(self, mesh: MeshHarness, old: str) -> None:
        refused = CliRunner().invoke(app, ["dlq", "replay", old])
        before = unpublished(mesh, old)

        dlq("replay", old, "--even-if-forgotten")

        assert refused.exit_code == 1
        assert "--even-if-forgotten" in refused.output
        assert (before, unpublished(mesh, old)) == (0, 1)


class TestDatabaseAway:
    def test_the_others_letters_are_shown_and_it_is_said(
        self, dead_letter: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FINANCE_DATABASE_URL", AWAY)

        result = CliRunner().invoke(app, ["dlq", "list", "--type", "agent_created"])

        assert dead_letter[0] in result.stdout
        assert result.stderr == "dlq: the database of finance does not answer; what is dead there is not shown\n"

    def test_nothing_is_marked_that_its_owner_did_not_take(
        self, mesh: MeshHarness, probe: Probe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, event_id = probe.refused_event()
        with monkeypatch.context() as patch:
            patch.setenv("IDENTITY_DATABASE_URL", AWAY)
            result = CliRunner().invoke(app, ["dlq", "replay", event_id])

        assert result.exit_code == 1
        assert "the database of identity does not answer. Repeat" in result.stderr
        assert event_id in dlq("list")
        assert unpublished(mesh, event_id) == 0


class TestRunbook:
    def test_names_commands_and_options_that_exist(self) -> None:
        told = (ROOT / "docs" / "runbooks" / "dead-letters.md").read_text()
        commands = set(re.findall(r"`marketmesh dlq ([a-z-]+)", told))
        options = set(re.findall(r"`(--[a-z-]+)", told))

        helped = {command: dlq(command, "--help") for command in commands}

        assert commands == {"list", "show", "replay", "replay-all", "discard"}
        assert options >= {"--service", "--consumer", "--type", "--reason", "--since", "--until", "--yes", "--all"}
        assert [option for option in options if not any(option in text for text in helped.values())] == []


class TestHelp:
    @pytest.mark.parametrize("command", ["list", "show", "replay", "replay-all", "discard"])
    def test_needs_no_stack(self, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IDENTITY_DATABASE_URL", raising=False)

        result = CliRunner().invoke(app, ["dlq", command, "--help"])

        assert result.exit_code == 0

    def test_tells_the_steps_in_order(self) -> None:
        told = " ".join(dlq("--help").split())

        steps = [
            "1. marketmesh dlq list",
            "2. marketmesh dlq show",
            "3. Mend the cause",
            "4. marketmesh dlq replay",
            "6. marketmesh dlq discard",
        ]
        assert sorted(steps, key=told.index) == steps


class Probe:
    """A consumer of agents that refuses what it gets until it is mended, and counts what it applied."""

    def __init__(self, mesh: MeshHarness, *, service: str = "ads") -> None:
        self.mesh, self.mended = mesh, False
        self.applied: list[str] = []
        self.consumer = Consumer(service, "identity.user.v1").on(events.AgentCreated, self._apply)
        self._transactions = mesh.process(service).transactions

    def _apply(self, _tx: Tx, event: events.AgentCreated) -> None:
        if not self.mended:
            raise NotFound
        self.applied.append(event.user_id)

    def refused_event(self) -> tuple[str, str]:
        """Return user and event id of an agent whom everybody but the probe knows."""
        user_id = str(uuid.uuid4())
        with self.mesh.transaction("identity") as tx:
            tx.emit(events.AgentCreated(user_id=user_id))
        (row,) = self.mesh.rows("identity", "SELECT event_id FROM outbox WHERE ordering_key = :key", key=user_id)
        self.deliver_unpublished()
        self.mesh.pump()
        return user_id, str(row.event_id)

    def refuse(self, event_id: str) -> None:
        """Get an event once more."""
        self._deliver(
            self.mesh.rows("identity", "SELECT * FROM outbox WHERE event_id = CAST(:id AS uuid)", id=event_id)
        )

    def deliver_unpublished(self) -> None:
        """Get what waits in identity's outbox; it stays there for the others."""
        self._deliver(self.mesh.rows("identity", "SELECT * FROM outbox WHERE published_at IS NULL ORDER BY seq"))

    def _deliver(self, rows: list[Any]) -> None:
        names = ("event_id", "type", "version", "topic", "ordering_key", "headers")
        for row in rows:
            if row.topic != self.consumer.topic:
                continue
            envelope = Envelope(**{name: getattr(row, name) for name in names}, payload=bytes(row.payload))
            message = Received("ack", 1, {}, bytes(row.payload), row.ordering_key, "m")
            runner = ConsumerRunner(self.consumer, self._transactions, None)  # type: ignore[arg-type]
            assert runner._handle_alone(message, envelope)


@pytest.fixture
def probe(mesh: MeshHarness) -> Probe:
    mesh.start(*services_present())
    dlq("replay-all", "--yes")  # what other tests left dead
    mesh.forget_events()
    return Probe(mesh)


def kill_one(mesh: MeshHarness, *, reason: str = "max_attempts") -> str:
    """Return the event id of an agent_created event that could not be published."""
    user_id = str(uuid.uuid4())
    with mesh.transaction("identity") as tx:
        tx.emit(events.AgentCreated(user_id=user_id))
    with mesh.transaction("identity") as tx:
        return str(tx.execute(_KILL, {"key": user_id, "now": tx.now, "reason": reason}).scalar_one())


def unpublished(mesh: MeshHarness, event_id: str) -> int:
    sql = "SELECT 1 FROM outbox WHERE event_id = CAST(:id AS uuid) AND published_at IS NULL"
    return len(mesh.rows("identity", sql, id=event_id))


def consumers_of(mesh: MeshHarness, event_id: str) -> list[str]:
    sql = "SELECT consumer FROM inbox WHERE event_id = CAST(:id AS uuid)"
    return sorted(row.consumer for name in services_present() for row in mesh.rows(name, sql, id=event_id))
