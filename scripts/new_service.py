"""Add a service to the mesh: `python -m scripts.new_service reviews`. Writes its files and makes the few edits elsewhere.

Its first capability has its name; `scripts/new_capability.py` adds others.

Everything else finds it by itself: command line, topology, gateway, contract tests, import walls, the embedded stack.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts.new_capability import add_capability

ROOT = Path(__file__).resolve().parent.parent

_PROTO = """// What {name} offers.
syntax = "proto3";

package marketmesh.{name}.v1;

import "google/api/annotations.proto";
import "marketmesh/options/v1/policy.proto";

service {title}Service {{
  option (marketmesh.options.v1.exposure) = EXPOSURE_GATEWAY;

  // Tells that the service is there, to anybody who is signed in. Replace it by the first real method.
  rpc Get{title}Info(Get{title}InfoRequest) returns ({title}Info) {{
    option (google.api.http) = {{get: "/api/v1/{name}/info"}};
    option (marketmesh.options.v1.policy) = {{
      caller: CALLER_USER effect: EFFECT_READ idempotency: IDEMPOTENCY_NATURAL
    }};
  }}
}}

message Get{title}InfoRequest {{}}

message {title}Info {{
  string service = 1;
}}
"""
_REASONS = """// Why {name} refuses, beyond the reasons every service shares.
syntax = "proto3";

package marketmesh.{name}.v1;

enum ErrorReason {{
  ERROR_REASON_UNSPECIFIED = 0;
}}
"""
_FILES = {
    "__init__.py": '"""{name}: what it owns, in one line."""\n',
    "__main__.py": '''"""Run {name}'s command line."""

from meshkit.cli import service_app
from services.{name}.service import SPEC

service_app(SPEC)()
''',
    "settings.py": '''"""Settings of {name}, from the environment with the prefix `{upper}_`."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from meshkit.settings import DatabaseSettings


class {title}Settings(DatabaseSettings):
    """{title}'s own settings."""

    model_config = SettingsConfigDict(env_prefix="{upper}_", frozen=True)
''',
    "errors.py": '"""{title}\'s refusals, one class per value of its ErrorReason."""\n',
    "schema.py": '''"""{title}'s tables. Each names its invariant; only {name} writes them."""

from __future__ import annotations

from meshkit.db.tables import platform_metadata

metadata = platform_metadata()
''',
    "{name}/api/{name}_servicer.py": '''"""{title}Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.{name}.v1 import {name}_service_pb2 as messages

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class {title}Servicer:
    """Translates; the rules are in the use cases."""

    def Get{title}Info(self, request: messages.Get{title}InfoRequest, tx: Tx) -> messages.{title}Info:  # noqa: ARG002
        return messages.{title}Info(service="{name}")
''',
    "service.py": '''"""Composition root of {name}: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from marketmesh.{name}.v1 import {name}_service_pb2
from meshkit.grpc.server import Servicer
from meshkit.service import Parts, ServiceSpec, Wiring
from services.{name}.{name} import events as {name}_events
from services.{name}.{name}.api.{name}_servicer import {title}Servicer
from services.{name}.schema import metadata
from services.{name}.settings import {title}Settings


def wire(parts: Parts) -> Wiring:  # noqa: ARG001
    """Build {name} from its settings and the chassis's parts."""
    return Wiring(
        servicers=(
            Servicer({name}_service_pb2, {title}Servicer()),
        ),
        consumers={name}_events.consumers(),
    )


SPEC = ServiceSpec(name="{name}", metadata=metadata, database_settings={title}Settings, wire=wire)
''',
    "migrations/versions/0001_{name}.py": '''"""The first tables of {name}."""

from meshkit.db.migrate import add_discards, create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    add_discards()


def downgrade() -> None:
    """Drop everything."""
    drop_platform_tables()
''',
    "README.md": """# {name}

Purpose · resources · invariants · events in and out · tables · settings: one page.
""",
}


class CannotAdd(Exception):
    """The name cannot be a service's, or one has it."""


def add_service(name: str, *, root: Path = ROOT) -> list[Path]:
    """Write the service's files and edit the others; returns the edited ones. Raises CannotAdd."""
    if not re.fullmatch(r"[a-z]{3,20}", name):
        raise CannotAdd(f"{name!r}: a service's name is 3 to 20 lower-case letters")
    if (root / "services" / name).exists():
        raise CannotAdd(f"there is a service {name} already")
    words = {"name": name, "title": name.title(), "upper": name.upper()}
    folder = root / "services" / name
    _write(folder / "__init__.py", "")
    add_capability(name, name, root=root)
    for path, text in _FILES.items():
        _write(folder / path.format(**words), text.format(**words))
    for shared in ("env.py", "script.py.mako"):
        _write(folder / "migrations" / shared, (root / "services" / "identity" / "migrations" / shared).read_text())
    contract = root / "protos" / "marketmesh" / name / "v1"
    _write(contract / f"{name}_service.proto", _PROTO.format(**words))
    _write(contract / "error_reason.proto", _REASONS.format(**words))
    return [_add_port(root, name)]


def _add_port(root: Path, name: str) -> Path:
    """Give it a port in the embedded stack; the ports of the others do not move."""
    path = root / "deploy" / "dev" / "ports.py"
    text = path.read_text()
    changed = re.sub(r"^(SERVICES = \(.*)\)$", rf'\1, "{name}")', text, count=1, flags=re.MULTILINE)
    if changed == text:
        raise CannotAdd(f"{path}: found no list of services to add to")
    path.write_text(changed)
    return path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    try:
        edited = add_service(sys.argv[1])
    except CannotAdd as error:
        raise SystemExit(f"new_service: {error}") from None
    sys.stdout.write(
        f"services/{sys.argv[1]} and its contract are written; edited: "
        f"{', '.join(str(path.relative_to(ROOT)) for path in edited)}\n"
        "Next: scripts/setup.sh generates its code; give it an extra in pyproject.toml if it needs an SDK of its own.\n"
    )
