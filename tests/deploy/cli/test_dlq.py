"""`marketmesh dlq`: dead letters are found, shown and put back; putting one back twice has one effect."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from deploy.cli.contracts import services_present
from deploy.cli.main import app
from marketmesh.identity.events.v1 import identity_events_pb2 as events
from tests.support.mesh_harness import MeshHarness

_KILL = text(
    """
    WITH dead AS (DELETE FROM outbox WHERE ordering_key = :key RETURNING *)
    INSERT INTO outbox_dlq (event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts,
                            failed_at)
    SELECT event_id, type, version, topic, ordering_key, payload, headers, 'max_attempts', 'bus away', 10, :now FROM dead
    RETURNING event_id
    """
)


@pytest.fixture
def dead_letter(mesh: MeshHarness) -> tuple[str, str]:
    """Return the event id and the user of an agent_created event that could not be published."""
    mesh.start(*services_present())
    user_id = str(uuid.uuid4())
    with mesh.transaction("identity") as tx:
        tx.emit(events.AgentCreated(user_id=user_id))
    with mesh.transaction("identity") as tx:
        event_id = tx.execute(_KILL, {"key": user_id, "now": tx.now}).scalar_one()
    return str(event_id), user_id


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
        def line() -> str:
            return next(line for line in dlq("list", "--service", "identity").splitlines() if dead_letter[0] in line)

        assert line().endswith("None")

        dlq("replay", dead_letter[0])

        assert not line().endswith("None")
        dlq("replay-all", "--service", "identity", "--type", "agent_created")  # what other tests left dead
        assert "dlq: 0 events" in dlq("replay-all", "--service", "identity", "--type", "agent_created")


class TestShow:
    def test_decodes_the_payload(self, dead_letter: tuple[str, str]) -> None:
        shown = dlq("show", dead_letter[0])

        assert f'user_id: "{dead_letter[1]}"' in shown
        assert "bus away" in shown

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

    def test_all_that_fit_a_filter(self, mesh: MeshHarness, dead_letter: tuple[str, str]) -> None:
        dlq("replay-all", "--service", "identity", "--type", "agent_created")

        assert "nothing is dead" in dlq("list", "--type", "no_such_type")
        waiting = mesh.rows("identity", "SELECT 1 FROM outbox WHERE event_id = CAST(:id AS uuid)", id=dead_letter[0])
        assert len(waiting) == 1
