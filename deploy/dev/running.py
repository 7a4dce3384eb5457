"""What a running stack leaves in its state folder for the operator's commands: its ports.

Invariant: the ports recorded are those of the stack that holds the folder's lock, or held it last.
"""

from __future__ import annotations

import json
import pathlib

from deploy.dev.ports import Ports
from deploy.dev.state import State, is_running, write_private

_FILE = "ports.json"


def remember_ports(state: State, ports: Ports) -> None:
    """Write down where the stack that begins now listens."""
    write_private(state.folder / _FILE, json.dumps(ports.by_name(), indent=1) + "\n")


def ports_in_use(folder: pathlib.Path) -> Ports:
    """Return the ports of the stack that runs on the folder; without one, those that the environment asks for.

    Raises BadPort.
    """
    path = folder / _FILE
    if not is_running(folder) or not path.exists():
        return Ports.from_environment()
    return Ports.from_names(json.loads(path.read_text()))
