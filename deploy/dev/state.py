"""The one folder in which the embedded stack keeps everything, and its lock.

Invariant: at most one stack uses a folder at a time, and what is in it is for its owner only (0600 in 0700).
Called by stack; parts get their own subfolder from here.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import stat
import time

_LOCK_WAIT_S = 12.0
_LOCK_POLL_S = 0.1
_PRIVATE = 0o700


class StateUnusable(Exception):
    """The folder belongs to somebody else or another stack runs on it; the message says what to do."""


class State:
    """Paths inside the folder. Creating it makes the folder, its `logs` and its `secrets`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder.absolute()
        try:
            self.folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            self.logs = self.subfolder("logs")
            self.secrets = self.subfolder("secrets")
        except PermissionError as error:
            raise StateUnusable(self._foreign(error)) from error
        if not os.access(self.secrets, os.R_OK | os.W_OK | os.X_OK):
            raise StateUnusable(self._foreign(None))

    def _foreign(self, error: OSError | None) -> str:
        place = error.filename if error else self.secrets
        return (
            f"user {os.geteuid()} may not write {place}: the state was probably made by another user. "
            "Remove it as that user (make clean-state) or choose another with --state-dir"
        )

    def subfolder(self, name: str) -> pathlib.Path:
        """Return the folder of one part, made if it is missing."""
        folder = self.folder / name
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
        return folder

    def close_to_others(self) -> None:
        """Narrow the modes of files that an earlier release left too wide, and of all new ones. Only under the lock.

        Raises: StateUnusable when something in it belongs to somebody else.
        """
        os.umask(0o077)
        try:
            _tighten(self.folder)
            for place, folders, files in os.walk(self.folder):
                for name in (*folders, *files):
                    _tighten(pathlib.Path(place, name))
        except PermissionError as error:
            raise StateUnusable(self._foreign(error)) from error

    def lock(self) -> Lock:
        """Take the folder for this process.

        Raises: StateUnusable naming the process that has it. If that process is gone already and only its parts are
        still stopping, waits for them up to 12 s.
        """
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _LOCK_WAIT_S
        while not _try_lock(descriptor):
            holder = _holder(descriptor)
            if _alive(holder) or time.monotonic() > deadline:
                os.close(descriptor)
                raise StateUnusable(
                    f"another stack (process {holder}) already runs with the state in {self.folder}. "
                    f"Stop it (Ctrl-C there, or kill {holder}), or take another --state-dir and MARKETMESH_PORT_OFFSET"
                )
            time.sleep(_LOCK_POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {_begun(os.getpid())}\n".encode(), 0)
        return Lock(descriptor)


class Lock:
    """The held lock. The guardian inherits `descriptor`, so the lock lasts until the last part is gone."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Give the folder back (for this process; a guardian still at work keeps it)."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def write_private(path: pathlib.Path, content: str) -> None:
    """Write a secret so that no reader ever sees it half written or with a wider mode than 0600."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
    temporary.replace(path)


def _tighten(path: pathlib.Path) -> None:
    mode = path.lstat().st_mode
    if not stat.S_ISLNK(mode) and mode & 0o077:
        path.chmod(stat.S_IMODE(mode) & _PRIVATE)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_running(folder: pathlib.Path) -> bool:
    """Return whether a stack runs on the folder. Only looks: taking the lock to see would hinder who starts."""
    try:
        pid, _, begun = (folder / "lock").read_text().strip().partition(" ")
    except OSError:
        return False
    # A number is given again, to a process that began at another time; of before there is none in the file.
    return _alive(pid) and begun in {"", _begun(int(pid))}


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 64, 0).decode().partition(" ")[0].strip() or "unknown"


def _begun(pid: int) -> str:
    """Return when a process began, in ticks since the machine did; empty when nobody may know."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The name of the program, in brackets, may hold anything.
    return stat.rpartition(")")[2].split()[19]


def _alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
