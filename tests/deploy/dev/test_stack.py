"""`marketmesh dev` as a process: second start, lock, crash, Ctrl-C, kill -9, root and ordinary user."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import re
import shutil
import signal

import psutil
import psycopg
import pytest
import redis
import requests

from deploy.dev import keys, postgres
from deploy.dev.environment import Addresses
from deploy.dev.ports import SERVICES
from deploy.dev.state import State
from deploy.tools.connection import STATE_VARIABLE, stack_of_state

from .conftest import Launch, RunningStack, eventually, gone
from .ordinary_user import as_nobody, shown_as_nobody


def addresses(stack: RunningStack) -> Addresses:
    return Addresses(ports=stack.ports, passwords=keys.ensure_passwords(State(stack.state_dir)))


class TestRunStack:
    def test_second_start_finds_the_first_ones_data(self, launch: Launch) -> None:
        first = launch("databases,valkey")
        first.wait_for("ready in .* Ctrl-C stops it")
        at = addresses(first)
        with psycopg.connect(at.database_dsn("ads", kind="owner")) as owner:
            owner.execute("create table kept (word text)")
            owner.execute("insert into kept values ('still here')")
        redis.Redis.from_url(at.redis_url).set("kept", "too")
        family = first.family()
        assert first.stop() == 0
        assert gone(family)

        second = launch("databases,valkey")
        second.wait_for("ready in .* Ctrl-C stops it")

        with psycopg.connect(at.database_dsn("ads")) as app:
            assert app.execute("select word from kept").fetchone() == ("still here",)
        assert redis.Redis.from_url(at.redis_url).get("kept") == b"too"

    def test_refuses_a_state_that_is_in_use(self, launch: Launch) -> None:
        first = launch("valkey")
        first.wait_for("ready in .* Ctrl-C stops it")

        second = launch("valkey")

        assert second.process.wait(20) == 1
        assert f"another stack (process {first.process.pid}) already runs with the state in" in second.text()
        at = addresses(first)
        assert redis.Redis.from_url(at.redis_url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://{at.of('valkey')}/0").ping()

    def test_names_a_taken_port_and_starts_nothing(self, launch: Launch, state_dir: pathlib.Path) -> None:
        first = launch("valkey")
        first.wait_for("ready in .* Ctrl-C stops it")
        pid = first.pid_of("valkey")
        first.state_dir.rename(state_dir.with_name("moved"))

        second = launch("valkey")

        assert second.process.wait(20) == 1
        assert f"port {first.ports.valkey} for valkey is taken by process {pid}" in second.text()
        assert "MARKETMESH_PORT_VALKEY" in second.text()

    def test_restarts_a_killed_postgres(self, launch: Launch) -> None:
        stack = launch("postgres")
        stack.wait_for("ready in .* Ctrl-C stops it")
        unprivileged = psutil.Process(stack.pid_of("postgres")).uids().real != 0
        assert unprivileged or postgres.choose_user(stack.state_dir / "postgres").wrapper

        os.kill(stack.pid_of("postgres"), signal.SIGKILL)

        text = stack.wait_for(r"postgres +\| ready in", count=2)
        assert "was ended by SIGKILL" in text
        assert "restarting in 0.5 s" in text
        psycopg.connect(addresses(stack).superuser_dsn).close()

    def test_names_a_part_it_does_not_have(self, launch: Launch) -> None:
        stack = launch("postgrs")

        assert stack.process.wait(20) == 1
        assert "there is no part 'postgrs'; there are postgres, databases, valkey" in stack.text()

    @pytest.mark.parametrize(
        ("number", "parts"),
        [(signal.SIGINT, "postgres,pubsub,mail"), (signal.SIGTERM, "valkey")],
    )
    def test_leaves_no_process_when_asked_to_stop(self, launch: Launch, number: signal.Signals, parts: str) -> None:
        stack = launch(parts)
        stack.wait_for("ready in .* Ctrl-C stops it")
        family = stack.family()
        assert len(family) > 2

        assert stack.stop(number) == 0

        assert gone(family)
        stack.ports.check_free()

    def test_leaves_no_process_when_killed_and_starts_again_at_once(self, launch: Launch) -> None:
        first = launch("postgres,mail,valkey")
        first.wait_for("ready in .* Ctrl-C stops it")
        family = first.family()
        assert len(family) > 5
        first.stop(signal.SIGKILL)

        second = launch("postgres,mail,valkey")  # waits for the lock, which is held until the last part is gone

        second.wait_for("ready in .* Ctrl-C stops it")
        assert gone(family)


class TestUsers:
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a user namespace")
    @pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
    def test_root_in_a_closed_folder(self, launch: Launch, state_dir: pathlib.Path) -> None:
        state_dir.parent.chmod(0o700)

        stack = launch("databases")
        stack.wait_for("ready in .* Ctrl-C stops it")
        assert psutil.Process(stack.pid_of("postgres")).uids().real == 0  # our uid under another name
        family = stack.family()
        stack.stop(signal.SIGKILL)
        eventually(lambda: gone(family), within_s=10)

        state_dir.parent.chmod(0o755)  # and back to the other way of running, with the same data
        again = launch("databases")
        again.wait_for("ready in .* Ctrl-C stops it")
        psycopg.connect(addresses(again).database_dsn("ads")).close()

    @pytest.mark.skipif(os.geteuid() != 0, reason="this whole suite runs as an ordinary user already")
    @pytest.mark.parametrize("kind", ["another user", "user namespace"])
    @pytest.mark.timeout(240)
    def test_ordinary_user(self, launch: Launch, state_dir: pathlib.Path, kind: str) -> None:
        wrapper = as_nobody(state_dir) if kind == "another user" else shown_as_nobody()

        stack = launch("envoy,gcs,mail", wrapper=wrapper)  # with all that Envoy and identity need

        text = stack.wait_for("ready in .* Ctrl-C stops it", within_s=150)
        ready = re.findall(r"(\w+) +\| ready in", text)
        assert {"postgres", "valkey", "pubsub", "gcs", "identity", "envoy"} <= set(ready)
        family = stack.family()
        if kind == "another user":
            assert {process.uids().real for process in family} == {pwd.getpwnam("nobody").pw_uid}
        psycopg.connect(addresses(stack).database_dsn("identity")).close()
        assert requests.get(addresses(stack).url("envoy_admin") + "/ready", timeout=5).text == "LIVE\n"
        assert stack.stop() == 0
        # Postgres that is killed because its disk is slow leaves a checkpointer that notices a moment later.
        eventually(lambda: gone(family))

    def test_says_whose_state_it_is(self, launch: Launch, state_dir: pathlib.Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs root to make a foreign state")
        wrapper = as_nobody(state_dir)
        State(state_dir)

        stack = launch("valkey", wrapper=wrapper)

        assert stack.process.wait(20) == 1
        assert "the state was probably made by another user" in stack.text()


class TestPrivacy:
    def test_nothing_in_the_state_is_for_others(self, launch: Launch, state_dir: pathlib.Path) -> None:
        old = state_dir / "gcs" / "left.sqlite"
        old.parent.mkdir(parents=True)
        old.write_text("of a stack of before")
        for path in (state_dir, old.parent):
            path.chmod(0o755)
        old.chmod(0o644)

        stack = launch("databases,valkey,pubsub,gcs,mail")
        stack.wait_for("ready in .* Ctrl-C stops it")
        at = addresses(stack)
        redis.Redis.from_url(at.redis_url).save()
        with psycopg.connect(at.database_dsn("ads", kind="owner")) as owner:
            owner.execute("create table kept (word text)")

        # Postgres makes and removes files while we look.
        places = [place for place in state_dir.rglob("*") if "pg_" not in str(place) and place.exists()]
        names = {place.name for place in places}
        assert {"lock", "postgres.log", "objects.sqlite", "pubsub.sqlite", "dump.rdb", "PG_VERSION"} <= names
        open_to_others = [str(place) for place in places if place.lstat().st_mode & 0o077 and not place.is_symlink()]
        assert open_to_others == []
        # As root, Postgres is another user, whose group alone may pass through, without seeing what is there.
        postgres_passes = psutil.Process(stack.pid_of("postgres")).uids().real != os.geteuid()
        assert state_dir.stat().st_mode & 0o777 == (0o710 if postgres_passes else 0o700)


class TestSecrets:
    def test_are_generated_once_and_private(self, state_dir: pathlib.Path) -> None:
        state = State(state_dir)

        passwords, files = keys.ensure_passwords(state), keys.ensure_key_files(state)
        public = files.pop("MESH_SERVICE_KEYS_FOLDER")
        paths = [*files.values(), *public.iterdir()]
        before = [path.read_text() for path in paths]

        again = keys.ensure_key_files(state)
        assert keys.ensure_passwords(state) == passwords
        assert again == {**files, "MESH_SERVICE_KEYS_FOLDER": public}
        assert [path.read_text() for path in paths] == before
        assert len(list(public.iterdir())) == len(SERVICES) + 1
        assert len(set(passwords.values())) == len(passwords) == 18
        for path in (state.folder / "secrets.json", *paths):
            assert path.stat().st_mode & 0o777 == 0o600
        assert public.stat().st_mode & 0o777 == 0o700
        account = json.loads(files["MEDIA_SIGNING_KEY_FILE"].read_text())
        assert account["client_email"] == "media@marketmesh-dev.iam.gserviceaccount.com"

    def test_make_no_public_half_again_that_was_taken_away(self, tmp_path: pathlib.Path) -> None:
        state = State(tmp_path / "leaked")
        files = keys.ensure_key_files(state)
        public = files["MESH_SERVICE_KEYS_FOLDER"] / "commerce.pem"
        public.unlink()

        assert keys.ensure_key_files(state) == files
        assert not public.exists()

        files[keys.private_key_of("commerce")].unlink()
        keys.ensure_key_files(state)
        assert public.exists()

    def test_are_only_read_by_commands(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        state = State(tmp_path / "leaked")
        keys.ensure_passwords(state)
        files = keys.ensure_key_files(state)
        gone = [files[keys.private_key_of("commerce")], files["MESH_SERVICE_KEYS_FOLDER"] / "commerce.pem"]
        for path in gone:
            path.unlink()
        monkeypatch.setenv(STATE_VARIABLE, str(state.folder))

        assert stack_of_state()[1] == files
        assert [path.exists() for path in gone] == [False, False]

    def test_go_on_with_the_secret_that_anchors_were_signed_with(self, tmp_path: pathlib.Path) -> None:
        state = State(tmp_path / "older")
        (state.secrets / "service_token.key").write_text("shared")

        files = keys.ensure_key_files(state)

        assert files["MESH_DIGEST_KEY_FILE"].read_text() == "shared"
        assert not (state.secrets / "service_token.key").exists()
