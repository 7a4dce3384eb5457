"""Starts Pub/Sub servers as processes: our own, and Google's emulator where it is installed.

Used by the fixtures in `conftest` and by the tests that kill and restart a server.
"""

import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
from google.cloud import pubsub_v1  # type: ignore[import-untyped]

START_S_MAX = 20.0
STOP_S_MAX = 5.0
JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class Server:
    """A running server process, with the unchanged client library connected to it."""

    def __init__(self, *, command: Sequence[str], port: int, ready_line: bytes) -> None:
        """Start `command` and wait until it prints `ready_line`."""
        self.address = f"127.0.0.1:{port}"
        self.process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        self._output: IO[bytes] = self.process.stdout
        self._await_line(ready_line)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PUBSUB_EMULATOR_HOST", self.address)
            self.publisher = pubsub_v1.PublisherClient(
                publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
            )
            self.subscriber = pubsub_v1.SubscriberClient()

    def _await_line(self, wanted: bytes) -> None:
        printed = b""
        ends_at = time.monotonic() + START_S_MAX
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while wanted not in printed:
                assert selector.select(ends_at - time.monotonic()), f"not ready: {printed!r}"
                part = os.read(self._output.fileno(), 4_096)
                assert part, f"ended: {printed!r}"
                printed += part

    def kill(self) -> None:
        """End the process the hard way if it still runs, then the clients."""
        self.process.kill()
        self.process.wait(STOP_S_MAX)
        self._output.close()
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()

    def terminate(self) -> float:
        """Ask the process to stop; return the seconds it took."""
        asked_at = time.monotonic()
        self.process.terminate()
        self.process.wait(STOP_S_MAX)
        return time.monotonic() - asked_at


def start_ours(*, database: Path) -> Server:
    """Start our server on `database`."""
    port = _free_port()
    command = [sys.executable, "-m", "deploy.dev.pubsub", "--port", str(port)]
    command += ["--database", str(database)]
    return Server(command=command, port=port, ready_line=b"ready\n")


def start_google() -> Server:
    """Start Google's emulator; skip the test where it is not installed."""
    jar = _emulator_jar()
    java = shutil.which("java")
    if jar is None or java is None:
        pytest.skip("Google's emulator is absent: set PUBSUB_EMULATOR_JAR, or install it in gcloud")
    port = _free_port()
    command = [java, *JAVA_OPTIONS, "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"]
    return Server(command=command, port=port, ready_line=b"Server started")


def _emulator_jar() -> Path | None:
    named = os.environ.get("PUBSUB_EMULATOR_JAR")
    if named:
        return Path(named)
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    folder = Path(gcloud).resolve().parent.parent / "platform" / "pubsub-emulator" / "lib"
    return next(iter(sorted(folder.glob("cloud-pubsub-emulator-*-all.jar"))), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
