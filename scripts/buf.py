"""Run buf over the contracts: `python -m scripts.buf lint|breaking|format`. Works offline.

Google's protos come from the installed wheel and buf's own from the rendered file, so buf gets a workspace that holds
copies of both beside ours.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import google.rpc

_ROOT = Path(__file__).resolve().parent.parent
_COMMON = Path(next(iter(google.rpc.__path__))).parent.parent
_BUF = Path(sys.executable).parent / "buf"
# What main promises: contracts may grow but not change or lose anything.
_BASE = "main"


def main(command: str) -> int:
    """Run one buf command; returns its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        now = _workspace(Path(folder) / "now", _ROOT / "protos")
        if command != "breaking":
            return _buf([command, "--config", str(_ROOT / "protos" / "buf.yaml")], now)
        before = Path(folder) / "committed"
        if not _checkout(before):
            sys.stdout.write(f"buf breaking: no {_BASE} to compare with\n")
            return 0
        against = _workspace(Path(folder) / "before", before / "protos")
        return _buf(["breaking", "--against", str(against)], now)


def _workspace(folder: Path, protos: Path) -> Path:
    shutil.copytree(protos, folder)
    for package in ("api", "rpc", "type"):
        target = folder / "google" / package
        target.mkdir(parents=True, exist_ok=True)
        for proto in (_COMMON / "google" / package).glob("*.proto"):
            shutil.copy(proto, target)
    shutil.copytree(_ROOT / "gen" / "third_party" / "buf", folder / "buf")
    return folder


def _checkout(folder: Path) -> bool:
    """Write the base branch's contracts to `folder`; returns whether there are any."""
    git = ["git", "-C", str(_ROOT)]
    for name in (f"origin/{_BASE}", _BASE):
        found = subprocess.run([*git, "cat-file", "-e", f"{name}:protos"], capture_output=True, check=False)
        if found.returncode == 0:
            folder.mkdir()
            archive = subprocess.run([*git, "archive", name, "protos"], capture_output=True, check=True)
            subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
            return True
    return False


def _buf(arguments: list[str], workspace: Path) -> int:
    return subprocess.run([str(_BUF), *arguments], cwd=workspace, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
