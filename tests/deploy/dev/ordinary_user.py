"""Command prefixes under which root's tests run something as an ordinary user."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import sys

import pytest

from deploy.dev.environment import REPOSITORY

# In mount points of its own, each closed folder is covered by an open one that has nothing in it but what we need.
# Arguments: "FOLDER NEEDED KEPT" lines, then the command.
_OPEN = """
set -e
echo "$1" | while read -r folder needed kept; do mkdir -p "$kept"; mount --bind "$needed" "$kept"; done
echo "$1" | while read -r folder needed kept; do
    grep -q " $folder tmpfs " /proc/self/mounts || mount -t tmpfs -o mode=755 none "$folder"
    mkdir -p "$needed"
    mount --bind "$kept" "$needed"
done
shift
exec "$@"
"""


def as_nobody(state_dir: pathlib.Path) -> tuple[str, ...]:
    """Return a prefix that drops root for good, giving the state's parent to the user it drops to."""
    user = pwd.getpwnam("nobody")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not installed")
    drop = (setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    os.chown(state_dir.parent, user.pw_uid, user.pw_gid)
    if _problem(drop):
        drop = (*_opened(state_dir.parent), *drop)
    if problem := _problem(drop):
        pytest.skip(f"nobody cannot run this interpreter, and its folder cannot be opened: {problem}")
    return drop


def shown_as_nobody() -> tuple[str, ...]:
    """Return a prefix under which root's own files remain readable, but nothing may be done as root."""
    user = pwd.getpwnam("nobody")
    drop = ("unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
    if problem := _problem(drop):
        pytest.skip(f"no user namespaces: {problem}")
    return drop


def _problem(drop: tuple[str, ...]) -> str:
    # Through a shell: setpriv itself may still execute what the user it drops to may not.
    command = [*drop, "/bin/sh", "-c", 'exec "$0" -c "import grpc"', sys.executable]
    trial = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    return trial.stderr.strip()[-200:] if trial.returncode else ""


def _opened(scratch: pathlib.Path) -> tuple[str, ...]:
    """Return a prefix for which others may pass to the checkout and the interpreter: in root's home, say."""
    needed = {REPOSITORY, pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix)}
    outermost = [path for path in sorted(needed) if not needed & set(path.parents)]
    lines = [
        f"{folder} {path} {scratch / f'kept-{number}'}"
        for number, path in enumerate(outermost)
        if (folder := _closed_folder(path)) is not None
    ]
    return ("unshare", "--mount", "/bin/sh", "-c", _OPEN, "sh", "\n".join(lines))


def _closed_folder(path: pathlib.Path) -> pathlib.Path | None:
    closed = [folder for folder in path.parents if not folder.stat().st_mode & stat.S_IXOTH]
    return closed[-1] if closed else None
