"""A ninth service needs few edits, and what is written works: it is generated, migrated, built and called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.new_capability import CannotAdd as CannotAddCapability
from scripts.new_capability import add_capability
from scripts.new_service import ROOT, CannotAdd, add_service
from tests.support.mesh_harness import MeshHarness

_COPIED = ("protos", "meshkit", "services", "gateway", "deploy", "scripts", "pyproject.toml", "requirements.lock")
_PROBE = """
import json, pathlib
from sqlalchemy import create_engine, text
from meshkit.db import migrate
from meshkit.service import Process
from meshkit.settings import MeshSettings
from deploy.cli.contracts import services_present
from deploy.cli.topology import declared
from deploy.dev import keys, state
from services.reviews.service import SPEC
migrate.upgrade(service="reviews", url=SPEC.database_settings().database_url)
files = keys.ensure_key_files(state.State(pathlib.Path("state")))
own = {
    "service_key_file": files[keys.private_key_of("reviews")],
    "service_keys_folder": files["MESH_SERVICE_KEYS_FOLDER"],
}
process = Process(SPEC, MeshSettings(**own))
process.build_server()
declared()
print(json.dumps({"methods": sorted(process.policies), "services": services_present()}))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def run(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(checkout), str(checkout / "gen")))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class TestAddService:
    def test_edits_one_line_of_one_existing_file(self, checkout: Path) -> None:
        before = (checkout / "deploy" / "dev" / "ports.py").read_text().splitlines()

        edited = add_service("reviews", root=checkout)

        after = edited[0].read_text().splitlines()
        assert [path.name for path in edited] == ["ports.py"]
        assert sum(old != new for old, new in zip(before, after, strict=True)) == 1

    def test_writes_a_service_that_migrates_builds_and_is_routed(self, checkout: Path, mesh: MeshHarness) -> None:
        add_service("reviews", root=checkout)
        generated = run(checkout, "-m", "scripts.gen_protos")
        assert generated.returncode == 0, generated.stderr
        from sqlalchemy import create_engine, text

        root = mesh.stack.addresses.superuser_dsn.replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(root, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS reviews"))
            connection.execute(text("CREATE DATABASE reviews"))
        engine.dispose()

        probe = run(checkout, "-c", _PROBE, REVIEWS_DATABASE_URL=root.rsplit("/", 1)[0] + "/reviews")
        routes = run(checkout, "-m", "gateway.render", "--routes-table")

        assert probe.returncode == 0, probe.stderr
        assert "/marketmesh.reviews.v1.ReviewsService/GetReviewsInfo" in probe.stdout
        assert '"reviews"]' in probe.stdout
        assert "/api/v1/reviews/info" in routes.stdout, routes.stderr

    @pytest.mark.parametrize("name", ["x", "Reviews", "two words", "identity", "a" * 21])
    def test_refuses_a_name_that_cannot_be(self, checkout: Path, name: str) -> None:
        with pytest.raises(CannotAdd):
            add_service(name, root=checkout)


class TestAddCapability:
    def test_writes_rooms_that_the_walls_know(self, checkout: Path) -> None:
        folder = add_capability("finance", "billing", root=checkout)
        (folder / "usecases" / "bill.py").write_text(
            "from services.finance.ledger.data import books\n\n__all__ = ['books']\n"
        )
        walls = run(checkout, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())")

        assert (checkout / "tests" / "finance" / "billing" / "__init__.py").exists()
        assert walls.returncode != 0
        told = " ".join(walls.stdout.split())
        assert "services.finance.billing.usecases.bill imports services.finance.ledger.data.books" in told

    @pytest.mark.parametrize(
        ("service", "name"), [("finance", "x"), ("finance", "Bills"), ("finance", "ledger"), ("nobody", "billing")]
    )
    def test_refuses_what_cannot_be(self, checkout: Path, service: str, name: str) -> None:
        with pytest.raises(CannotAddCapability):
            add_capability(service, name, root=checkout)
