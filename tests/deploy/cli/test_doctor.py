"""`marketmesh doctor` and the others in a fresh shell: they find the running stack, and never wait for what hangs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from typer.testing import CliRunner

from deploy.cli import doctor, doctor_checks
from deploy.cli.main import app
from deploy.cli.refusals import reason_of
from deploy.dev import keys
from deploy.dev.environment import MEDIA_BUCKET, REPOSITORY
from deploy.dev.ports import Ports
from deploy.dev.running import ports_in_use, remember_ports
from deploy.dev.stack import Embedded, embedded
from deploy.dev.state import State, is_running
from deploy.tools import connection
from deploy.tools.contracts import services_present
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from deploy.cli.doctor_checks import Finding


@pytest.fixture
def fresh_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state folder that commands of a shell without our variables look at."""
    for name in [
        name for name in os.environ if name.endswith("_DATABASE_URL") or name.startswith(("MESH_", "PUBSUB_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(connection.STATE_VARIABLE, str(tmp_path))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


class TestFreshShell:
    def test_takes_the_ports_of_the_stack_that_runs(self, fresh_shell: Path) -> None:
        state, moved = State(fresh_shell), Ports.from_environment({"MARKETMESH_PORT_OFFSET": "3000"})
        lock = state.lock()
        remember_ports(state, moved)

        assert (is_running(fresh_shell), ports_in_use(fresh_shell)) == (True, moved)

        lock.release()
        assert (is_running(fresh_shell), ports_in_use(fresh_shell)) == (False, Ports.from_environment())

    def test_looks_whether_it_runs_without_taking_its_lock(
        self, fresh_shell: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock = State(fresh_shell).lock()
        monkeypatch.delattr(fcntl, "flock")

        assert is_running(fresh_shell)

        monkeypatch.undo()
        lock.release()

    @pytest.mark.parametrize(
        ("left", "runs"),
        [
            ("", False),
            ("unknown\n", False),
            ("4194305 5\n", False),  # no process has such a number
            ("{ours} 5\n", False),  # ours, given to it after a crash
            ("{ours}\n", True),  # of a stack of before there was more in it
        ],
    )
    def test_is_not_taken_in_by_what_a_crash_left(self, fresh_shell: Path, left: str, runs: bool) -> None:
        (fresh_shell / "lock").write_text(left.format(ours=os.getpid()))

        assert is_running(fresh_shell) == runs

    def test_says_that_nothing_runs(self, fresh_shell: Path) -> None:
        done = run("doctor")

        assert done.exit_code == 1
        assert done.output.splitlines() == [
            f"doctor: not running: no stack runs with the state in {fresh_shell}; {connection.START}"
        ]


class TestRefusals:
    @pytest.mark.parametrize(
        "words", [["prove"], ["dlq", "list"], ["migrate"], ["seed"], ["doctor"], ["topology", "apply"]]
    )
    def test_nothing_to_work_on_is_one_line(self, fresh_shell: Path, words: list[str]) -> None:
        done = run(*words)

        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output
        assert "Traceback" not in done.output
        assert str(fresh_shell) in done.output

    def test_no_credentials_is_one_line(self, fresh_shell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MESH_PUBSUB_PROJECT", "somewhere")
        monkeypatch.setenv("MESH_ENVIRONMENT", "staging")
        monkeypatch.setenv("MESH_REDIS_URL", "redis://127.0.0.1:1/0")
        monkeypatch.setenv("MESH_PUBLIC_URL", "https://market.example")
        for name in ("MESH_SERVICE_KEY_FILE", "MESH_SERVICE_KEYS_FOLDER", "MESH_DIGEST_KEY_FILE"):
            monkeypatch.setenv(name, str(fresh_shell / "key"))
        monkeypatch.setenv("MESH_AUDIT_ANCHOR_FOLDER", str(fresh_shell))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(fresh_shell / "missing.json"))

        done = run("topology", "apply")

        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output
        assert "no credentials for Google Cloud" in done.output

    def test_a_database_that_is_away_is_one_line(self, fresh_shell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        away = "postgresql+psycopg://nobody:nothing@127.0.0.1:1/none"
        monkeypatch.setenv("IDENTITY_DATABASE_URL", away)
        monkeypatch.setenv("IDENTITY_MIGRATION_DATABASE_URL", away)

        done = run("migrate", "identity")

        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output
        assert "a database does not answer" in done.output

    def test_a_defect_keeps_its_traceback(self) -> None:
        assert reason_of(RuntimeError("ours")) is None


class TestAnswers:
    def test_what_hangs_is_told_and_holds_nobody(self) -> None:
        never = threading.Event()

        def hangs() -> Iterator[Finding]:
            never.wait()
            yield True, "never", ""

        def breaks() -> Iterator[Finding]:
            yield True, "first", ""
            raise ConnectionError("refused\nmore")

        def answers() -> Iterator[Finding]:
            never_asked_twice.append(1)
            yield True, "fine", ""

        never_asked_twice: list[int] = []
        found = doctor.answers([("a", hangs), ("b", breaks), ("c", answers)], patience_s=0.5)

        assert [(healthy, what) for healthy, what, _ in found] == [
            (False, "a"),
            (True, "first"),
            (False, "b"),
            (True, "fine"),
        ]
        assert found[2][2] == "ConnectionError: refused"
        never.set()


class TestImports:
    """`doctor` answers in five seconds, help at once; importing every command took four and a half of them."""

    @pytest.mark.parametrize(
        ("code", "kept_out"),
        [
            (
                "import deploy.cli.main",
                {"deploy.cli.doctor", "deploy.tools.prove", "sqlalchemy", "grpc", "google.cloud"},
            ),
            (
                "from typer.testing import CliRunner; from deploy.cli.main import app; CliRunner().invoke(app, ['--help'])",
                {"deploy.cli.dev", "deploy.cli.doctor", "deploy.tools.prove", "sqlalchemy", "grpc", "google.cloud"},
            ),
            ("import deploy.cli.doctor", {"deploy.tools.prove", "sqlalchemy", "alembic", "google.cloud"}),
        ],
    )
    def test_are_of_what_is_called(self, code: str, kept_out: set[str]) -> None:
        listing = f"{code}; import sys; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)

        assert not kept_out & set(done.stdout.split())

    @pytest.mark.parametrize("service", services_present())
    def test_are_not_needed_to_know_the_newest_revision(self, service: str) -> None:
        scripts = ScriptDirectory(str(REPOSITORY / "services" / service / "migrations"))

        assert doctor_checks.head_of(service) == scripts.get_current_head()


class TestDatabase:
    def test_tells_dead_letters_outbox_jobs_and_warehouse(self, mesh: MeshHarness) -> None:
        mesh.start("analytics")
        with mesh.transaction("analytics") as tx:
            mesh_rows = "INSERT INTO job_runs (job, tick, finished_at) SELECT 'stopped', t, t FROM"
            tx.execute(text(f"{mesh_rows} generate_series(now() - interval '1 hour', now() - interval '50 minutes',"
                            " interval '1 minute') AS t"))  # fmt: skip

        found = {what.partition(":")[0]: healthy for healthy, what, _ in doctor_checks._database("analytics")}

        assert found["dead letters of analytics"]
        assert found["outbox of analytics"]
        assert found["warehouse"]
        assert any(what.startswith("job stopped of analytics last succeeded") and not healthy
                   for what, healthy in found.items())  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded(parts={"pubsub", "gcs"}, state_dir=tmp_path_factory.mktemp("store")) as stack:
        yield stack


class TestObjectStore:
    @pytest.fixture
    def key_file(self, store: Embedded, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("MEDIA_STORAGE_URL", store.addresses.url("gcs"))
        monkeypatch.setenv("MEDIA_BUCKET", MEDIA_BUCKET)
        key_file = keys.ensure_key_files(store.state)["MEDIA_SIGNING_KEY_FILE"]
        monkeypatch.setenv("MEDIA_SIGNING_KEY_FILE", str(key_file))
        return key_file

    def test_with_its_bucket_is_well(self, key_file: Path) -> None:
        ((healthy, what, _),) = doctor_checks._object_store()

        assert (healthy, what.partition(" of ")[0]) == (True, f"bucket {MEDIA_BUCKET}")

    def test_without_its_bucket_is_not(self, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEDIA_BUCKET", "another")

        ((healthy, _, advice),) = doctor_checks._object_store()

        assert (healthy, advice) == (False, "Bucket another: it answers 404.")

    def test_that_only_answers_is_not_said_to_have_it(self, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MEDIA_SIGNING_KEY_FILE")

        ((healthy, what, _),) = doctor_checks._object_store()

        assert (healthy, what.split()[0]) == (True, "object")


class TestServiceKeys:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return a folder of public halves of a mesh whose operator asks."""
        files = keys.ensure_key_files(State(tmp_path))
        monkeypatch.setenv("MESH_SERVICE_KEYS_FOLDER", str(files["MESH_SERVICE_KEYS_FOLDER"]))
        monkeypatch.setenv("MESH_SERVICE_KEY_FILE", str(files[keys.private_key_of(keys.OPERATOR)]))
        for name in ("MESH_PUBSUB_PROJECT", "MESH_REDIS_URL", "MESH_DIGEST_KEY_FILE"):
            monkeypatch.setenv(name, "unused")
        monkeypatch.setenv("MESH_ENVIRONMENT", "test")
        return files["MESH_SERVICE_KEYS_FOLDER"]

    def sick(self) -> list[str]:
        return [what for healthy, what, _ in doctor_checks._service_keys() if not healthy]

    def test_of_every_caller_are_well(self, folder: Path) -> None:
        found = list(doctor_checks._service_keys())

        assert self.sick() == []
        assert [what for _, what, _ in found] == [
            f"public keys of {len(services_present()) + 1} callers: {len(services_present()) + 1}",
            "MESH_SERVICE_KEY_FILE is the key of operator",
        ]

    def test_that_are_missing_or_nobodys_are_named(self, folder: Path) -> None:
        (folder / "ads.pem").rename(folder / "adds.pem")

        assert self.sick() == ["public key of ads", "public key of adds"]

    def test_that_are_no_keys_are_named(self, folder: Path) -> None:
        (folder / "ads.pem").write_text("no key")
        (folder / "ads.next.pem").write_bytes((folder / "media.pem").read_bytes())

        assert self.sick() == ["public key in ads.pem"]

    def test_a_private_half_that_nobody_knows_is_named(self, folder: Path) -> None:
        (folder / "operator.pem").write_bytes((folder / "ads.pem").read_bytes())

        assert self.sick() == ["MESH_SERVICE_KEY_FILE is the key of nobody"]

    def test_two_of_one_service_are_well(self, folder: Path) -> None:
        (folder / "ads.next.pem").write_bytes((folder / "media.pem").read_bytes())

        assert self.sick() == []
