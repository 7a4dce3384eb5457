"""`marketmesh admin create`: the way to administrators where nobody may register as one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from marketmesh.identity.v1 import auth_service_pb2 as messages
from marketmesh.identity.v1 import auth_service_pb2_grpc as stubs
from tests.support.identity import PASSWORD
from tests.support.mesh_harness import MeshHarness, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

    from deploy.dev.stack import Embedded


@pytest.fixture(scope="module")
def mesh(embedded_stack: Embedded) -> Iterator[MeshHarness]:
    harness = MeshHarness(embedded_stack, settings={"dev_routes": False})
    harness.start("identity")
    yield harness
    harness.close()


def create(email: str, *, password: str = PASSWORD) -> Result:
    argv = ["admin", "create", "--email", email, "--first-name", "Ada", "--last-name", "Byron"]
    return CliRunner().invoke(app, argv, input=f"{password}\n")


def sign_in(mesh: MeshHarness, email: str) -> messages.Session:
    auth = mesh.stub(stubs.AuthServiceStub, "identity")
    session, _ = mesh.call(auth.AdminLogin, messages.LoginRequest(email=email, password=PASSWORD))
    assert isinstance(session, messages.Session)
    return session


class TestCreate:
    def test_makes_an_administrator_who_signs_in(self, mesh: MeshHarness) -> None:
        email = f"{uuid.uuid4().hex}@example.com"

        done = create(email)

        assert done.exit_code == 0, done.output
        user_id = sign_in(mesh, email).user.id
        (row,) = mesh.rows(
            "identity", "SELECT actor, after FROM audit_log WHERE action = 'admin.create' AND target = :id", id=user_id
        )
        assert (row.actor, row.after["system_role"]) == ("service:operator", "admin")
        assert PASSWORD not in done.output

    def test_says_that_an_address_is_taken_and_changes_nobody(self, mesh: MeshHarness) -> None:
        email = f"{uuid.uuid4().hex}@example.com"
        create(email)

        again = create(email.upper(), password="another password entirely")

        assert (again.exit_code, "e-mail" in again.output) == (1, True), again.output
        assert sign_in(mesh, email).user.email == email

    @pytest.mark.parametrize(("email", "password", "named"), [("nobody", PASSWORD, "email"), ("", "short", "password")])
    def test_names_what_is_wrong_and_makes_nobody(
        self, mesh: MeshHarness, email: str, password: str, named: str
    ) -> None:
        address = email or f"{uuid.uuid4().hex}@example.com"

        done = create(address, password=password)

        assert (done.exit_code, named in done.output) == (1, True), done.output
        with pytest.raises(Refused):
            sign_in(mesh, address)
