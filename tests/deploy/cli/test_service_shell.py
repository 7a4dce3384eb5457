"""`marketmesh env` and `marketmesh psql`: a service's own settings and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from deploy.cli.main import app

if TYPE_CHECKING:
    from typer.testing import Result

    from tests.support.mesh_harness import MeshHarness


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


class TestPsql:
    def test_runs_a_statement_as_the_services_role(self, mesh: MeshHarness) -> None:
        mesh.start("finance")

        done = run("psql", "finance", "-c", "SELECT current_user AS who, current_database() AS place")

        assert done.exit_code == 0, done.output
        assert done.output.split() == ["who", "place", "-----------", "-------", "finance_app", "finance"]

    def test_a_mistake_is_one_line(self, mesh: MeshHarness) -> None:
        mesh.start("finance")

        done = run("psql", "finance", "-c", "SELECT nothing FROM nowhere")

        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output

    def test_names_the_services_there_are(self) -> None:
        assert "there are identity" in run("psql", "nobody").output


class TestEnv:
    def test_masks_passwords_unless_asked(self, mesh: MeshHarness) -> None:
        mesh.start("finance")

        masked, open_ = run("env", "finance").output, run("env", "finance", "--secrets").output

        assert "FINANCE_DATABASE_URL=(secret" in masked
        assert "FINANCE_DATABASE_URL=postgresql+psycopg://finance_app:" in open_
        assert "IDENTITY_DATABASE_URL" not in open_
