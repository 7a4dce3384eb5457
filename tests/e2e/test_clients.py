"""Clients that three generators make of /openapi.json sign in, list, quote and check out.

The generators come from the package registries, pinned in `clients/`; the TypeScript ones need Node.js.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from deploy.tools.people import PASSWORD

if TYPE_CHECKING:
    from deploy.tools.running_mesh import RunningMesh
    from tests.e2e.market import Market

# Packages are fetched and programs compiled.
pytestmark = pytest.mark.timeout(420)
CLIENTS = Path(__file__).with_name("clients")
UV = Path(sys.executable).with_name("uv")
_BOUGHT = re.compile(r"201 ([0-9a-f-]{36})\s*")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, mesh: RunningMesh) -> Path:
    """Return a folder with the flows and the document that the running gateway serves."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    (folder / "openapi.json").write_text(requests.get(f"{mesh.url}/openapi.json", timeout=10).text)
    return folder


@pytest.fixture(scope="module")
def node(workshop: Path) -> Path:
    """Return the folder with the TypeScript generators installed."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node.js is not installed here")
    run([npm, "install", "--no-audit", "--no-fund", "--no-package-lock"], workshop)
    return workshop


@pytest.fixture
def buyer(mesh: RunningMesh, market: Market) -> dict[str, str]:
    """Return what a flow is told: the gateway, and whose account it uses. There is something to buy."""
    market.product()
    person = market.people.buyer
    return {"GATEWAY": mesh.url, "EMAIL": person.email, "PASSWORD": PASSWORD}


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run to the end; returns what it printed."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def bought(printed: str) -> uuid.UUID:
    """Return the checkout that a flow made, parsed from the answer by the generated client."""
    found = _BOUGHT.fullmatch(printed)
    assert found, printed
    return uuid.UUID(found[1])


class TestGeneratedClients:
    def test_in_python_buy_something(self, workshop: Path, buyer: dict[str, str]) -> None:
        generator = ["tool", "run", "-q", "--from", "openapi-python-client==0.29.1", "openapi-python-client"]
        run([str(UV), *generator, "generate", "--path", "openapi.json", "--output-path", "made"], workshop)
        needs = [word for package in ("httpx", "attrs", "python-dateutil") for word in ("--with", package)]
        flow = [str(UV), "run", "-q", "--no-project", *needs, "python", "flow.py"]

        assert bought(run(flow, workshop, PYTHONPATH=str(workshop / "made"), **buyer))

    def test_in_typescript_with_openapi_typescript_buy_something(self, node: Path, buyer: dict[str, str]) -> None:
        run(["npx", "openapi-typescript", "openapi.json", "-o", "api.d.ts"], node)
        run(["npx", "tsc", "-p", _only(node, "fetch.ts")], node)

        assert bought(run(["npx", "tsx", "fetch.ts"], node, **buyer))

    def test_in_typescript_with_hey_api_buy_something(self, node: Path, buyer: dict[str, str]) -> None:
        run(["npx", "openapi-ts", "-i", "openapi.json", "-o", "heyapi", "-c", "@hey-api/client-fetch"], node)
        run(["npx", "tsc", "-p", _only(node, "hey.ts")], node)

        assert bought(run(["npx", "tsx", "hey.ts"], node, **buyer))


def _only(folder: Path, file: str) -> str:
    settings = json.loads((folder / "tsconfig.json").read_text()) | {"include": [file]}
    name = f"tsconfig.{file}.json"
    (folder / name).write_text(json.dumps(settings))
    return name
