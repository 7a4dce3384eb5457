"""A stack of one's own for a command that needs one: started when none answers, stopped when the command is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from deploy.cli.console import say
from deploy.dev.environment import REPOSITORY
from deploy.dev.ports import HOST
from deploy.dev.running import ports_in_use
from deploy.tools.connection import NoStack, state_folder, use_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS = 180.0
# Postgres alone may take 60.
_STOP_SECONDS = 75.0


def is_ready(url: str) -> bool:
    """Return whether the gateway answers that every service is healthy."""
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(f"{url}/health/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def stack_of_this_checkout() -> Iterator[str]:
    """Yield the gateway's address; starts the mesh if it is not running and stops it again. Raises NoStack."""
    url = os.environ.get("MESH_PUBLIC_URL") or f"http://{HOST}:{ports_in_use(state_folder()).gateway}"
    if is_ready(url):
        use_environment()
        yield url
        return
    say("no mesh is running: starting one, and stopping it at the end (`make run` keeps one running)")
    process = subprocess.Popen([sys.executable, "-m", "deploy.cli.main", "dev"], cwd=REPOSITORY)
    try:
        _wait(process, url)
        use_environment()
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    logins = state_folder() / "demo_logins.json"
    while not (is_ready(url) and logins.exists()):
        if process.poll() is not None:
            raise NoStack("the mesh did not start; what it said stands above")
        if time.monotonic() > deadline:
            raise NoStack(
                f"the mesh was not ready after {_START_SECONDS:.0f} s; its logs are in {state_folder() / 'logs'}"
            )
        time.sleep(0.3)
