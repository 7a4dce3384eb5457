"""What an idempotency row keeps of a request: enough to know it again, nothing to try passwords against."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from sqlalchemy import text

from marketmesh.identity.v1 import auth_service_pb2_grpc as stubs
from tests.support.identity import register_request
from tests.support.mesh_harness import MeshHarness, Refused

_HASH = "SELECT request_hash FROM idempotency_keys WHERE key = :key"


class TestRequestHash:
    def test_is_keyed_and_knows_nothing_of_the_password(self, mesh: MeshHarness) -> None:
        auth, request, key = mesh.stub(stubs.AuthServiceStub, "identity"), register_request(), uuid.uuid4().hex
        mesh.call(auth.Register, request, key=key)
        stored = bytes(mesh.rows("identity", _HASH, key=key)[0].request_hash)
        request.password = "another one that is long"

        _, headers = mesh.call(auth.Register, request, key=key)

        assert headers["x-idempotent-replay"] == "true"
        guesses = [request, register_request()]
        guesses[1].CopyFrom(request)
        guesses[1].ClearField("password")
        plain = {hashlib.sha256(guess.SerializeToString(deterministic=True)).digest() for guess in guesses}
        assert stored not in plain

    def test_of_the_release_before_is_still_known(self, mesh: MeshHarness) -> None:
        auth, request, key = mesh.stub(stubs.AuthServiceStub, "identity"), register_request(), uuid.uuid4().hex
        mesh.call(auth.Register, request, key=key)
        before = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        with mesh.transaction("identity") as tx:
            tx.execute(
                text("UPDATE idempotency_keys SET request_hash = :before WHERE key = :key"),
                {"before": before, "key": key},
            )

        _, headers = mesh.call(auth.Register, request, key=key)
        request.company_name = "Another"
        with pytest.raises(Refused) as refused:
            mesh.call(auth.Register, request, key=key)

        assert headers["x-idempotent-replay"] == "true"
        assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


class TestPassword:
    @pytest.mark.parametrize("password", ["password1234", "{email}"])
    def test_that_is_guessed_first_makes_nobody(self, mesh: MeshHarness, password: str) -> None:
        auth, request = mesh.stub(stubs.AuthServiceStub, "identity"), register_request()
        request.password = password.format(email=request.email)

        with pytest.raises(Refused) as refused:
            mesh.call(auth.Register, request, key=uuid.uuid4().hex)

        assert (refused.value.code, [each.field for each in refused.value.violations]) == (
            "INVALID_ARGUMENT",
            ["password"],
        )
        assert mesh.rows("identity", "SELECT 1 FROM users WHERE email = :email", email=request.email) == []
