"""Add a capability to a service: `python -m scripts.new_capability finance billing`. Writes its rooms, here and in tests.

A room is a folder or, while it is small, a file: `usecases/` has a file per verb, `events.py` is one file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = ("api", "usecases", "data", "domain")
_EVENTS = '''"""What {capability} of {service} does when others report something."""

from __future__ import annotations

from meshkit.events.registry import Consumer


def consumers() -> tuple[Consumer, ...]:
    """Return the consumers of {capability}."""
    return ()
'''


class CannotAdd(Exception):
    """There is no such service, the name cannot be a capability's, or one has it."""


def add_capability(service: str, name: str, *, root: Path = ROOT) -> Path:
    """Write the capability's rooms; returns its folder. Raises CannotAdd."""
    home = root / "services" / service
    if not home.is_dir():
        raise CannotAdd(f"there is no service {service}")
    if not re.fullmatch(r"[a-z][a-z_]{2,19}", name):
        raise CannotAdd(f"{name!r}: a capability's name is 3 to 20 lower-case letters and underscores")
    if (home / name).exists() or (home / f"{name}.py").exists():
        raise CannotAdd(f"{service} has a {name} already")
    folder = home / name
    files = {folder / "__init__.py": "", folder / "events.py": _EVENTS.format(service=service, capability=name)}
    files |= {folder / room / "__init__.py": "" for room in _FOLDERS}
    files |= {root / "tests" / service / place / "__init__.py": "" for place in (".", name)}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text)
    return folder


if __name__ == "__main__":
    try:
        made = add_capability(*sys.argv[1:3])
    except CannotAdd as error:
        raise SystemExit(f"new_capability: {error}") from None
    sys.stdout.write(
        f"{made.relative_to(ROOT)} is written. Next: its tables in the service's schema, its servicers, consumers and jobs in\n"
        "service.py, and what others of the service may ask of it in its use cases.\n"
    )
