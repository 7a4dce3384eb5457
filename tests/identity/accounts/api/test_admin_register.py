"""The door through which the first administrator of a developer's mesh comes; shut unless its own switch opens it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from deploy.dev.stack import Embedded
from marketmesh.identity.v1 import auth_service_pb2 as messages
from marketmesh.identity.v1 import auth_service_pb2_grpc as stubs
from tests.support.identity import PASSWORD
from tests.support.mesh_harness import MeshHarness, Refused


@pytest.fixture(scope="module")
def closed(embedded_stack: Embedded) -> Iterator[MeshHarness]:
    harness = MeshHarness(embedded_stack, settings={"environment": "dev", "dev_routes": False})
    yield harness
    harness.close()


def administrator() -> messages.AdminRegisterRequest:
    email = f"{uuid.uuid4().hex}@example.com"
    return messages.AdminRegisterRequest(first_name="Ada", last_name="Byron", email=email, password=PASSWORD)


def people_with(mesh: MeshHarness, email: str) -> int:
    sql = "SELECT count(*) AS n FROM users WHERE lower(email) = lower(:email)"
    count: int = mesh.rows("identity", sql, email=email)[0].n
    return count


class TestAdminRegister:
    def test_is_shut_in_development_too_unless_its_switch_is_set(self, closed: MeshHarness) -> None:
        request = administrator()
        auth = closed.stub(stubs.AuthServiceStub, "identity")

        with pytest.raises(Refused) as refused:
            closed.call(auth.AdminRegister, request, key=uuid.uuid4().hex)

        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "ADMIN_REGISTER_CLOSED")
        assert people_with(closed, request.email) == 0

    def test_takes_the_older_spelling_of_the_first_name(self, mesh: MeshHarness) -> None:
        request = administrator()
        request.first_name, request.first_names = "", "Ada Augusta"
        auth = mesh.stub(stubs.AuthServiceStub, "identity")

        user, _ = mesh.call(auth.AdminRegister, request, key=uuid.uuid4().hex)

        assert (user.first_name, user.last_name) == ("Ada Augusta", "Byron")

    def test_refuses_a_second_one_with_the_same_address(self, mesh: MeshHarness) -> None:
        request = administrator()
        auth = mesh.stub(stubs.AuthServiceStub, "identity")
        mesh.call(auth.AdminRegister, request, key=uuid.uuid4().hex)
        request.email = request.email.upper()

        with pytest.raises(Refused) as refused:
            mesh.call(auth.AdminRegister, request, key=uuid.uuid4().hex)

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "EMAIL_TAKEN")
        assert people_with(mesh, request.email) == 1
