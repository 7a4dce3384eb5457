"""Access tokens at a service's own door: every claim counts, whatever the gateway did before."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from marketmesh.identity.v1 import store_service_pb2 as messages
from marketmesh.identity.v1 import store_service_pb2_grpc as stubs
from tests.identity.people import People, Store
from tests.support.mesh_harness import MeshHarness, Refused

STRANGER = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"iss", "aud", "sub", "user_id", "sid", "role", "jti", "iat", "mms", "exp"}


@pytest.fixture
def store(people: People) -> Store:
    return people.store()


@pytest.fixture
def read(mesh: MeshHarness) -> Callable[[str], Any]:
    """Return a call of the store's own profile with a token."""
    stub = mesh.stub(stubs.StoreServiceStub, "identity")
    return lambda token: mesh.read(stub.GetMyStore, messages.GetMyStoreRequest(), token=token)


def changed(mesh: MeshHarness, store: Store, **changes: Any) -> str:
    """Return the store's token with other claims, signed by identity's own key; None leaves a claim out."""
    claims = {**jwt.decode(store.token, options={"verify_signature": False}), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, mesh.mint._key, "ES256", headers={"kid": mesh.mint._key_id})


class TestMint:
    def test_writes_every_claim(self, store: Store) -> None:
        claims = jwt.decode(store.token, options={"verify_signature": False})

        assert set(claims) == CLAIMS | {"active_store_id", "store_type", "kyc_status"}
        assert claims["exp"] - claims["iat"] == 15 * 60
        assert (claims["user_id"], claims["active_store_id"]) == (str(store.user_id), str(store.id))
        assert (claims["role"], claims["store_type"], claims["kyc_status"]) == (
            "owner",
            "vendor",
            "pending_verification",
        )

    def test_names_no_token_twice(self, mesh: MeshHarness) -> None:
        tokens = [mesh.store_token(uuid.uuid4()) for _ in range(3)]

        assert len({jwt.decode(token, options={"verify_signature": False})["jti"] for token in tokens}) == 3


class TestParse:
    @pytest.mark.parametrize("claim", ["jti", "iss", "aud", "sub", "iat", "exp", "sid"])
    def test_refuses_a_token_without_a_claim(
        self, mesh: MeshHarness, store: Store, read: Callable[[str], Any], claim: str
    ) -> None:
        token = changed(mesh, store, **{claim: None})

        with pytest.raises(Refused) as refused:
            read(token)

        assert (refused.value.code, refused.value.reason) == ("UNAUTHENTICATED", "UNAUTHORIZED")

    @pytest.mark.parametrize(
        ("changes", "cause"),
        [
            ({"iss": "elsewhere"}, "token_invalid"),
            ({"aud": "marketmesh.unheard"}, "token_audience"),
            ({"aud": "marketmesh.admin"}, "token_audience"),
            ({"aud": "marketmesh.service"}, "token_invalid"),
            ({"exp": 1}, "token_expired"),
            ({"exp": "never"}, "token_invalid"),
            ({"iat": 2**33}, "token_invalid"),
            ({"sub": "root"}, "token_invalid"),
            ({"active_store_id": "mine"}, "token_invalid"),
        ],
        ids=str,
    )
    def test_refuses_a_wrong_claim(
        self, mesh: MeshHarness, store: Store, read: Callable[[str], Any], changes: dict[str, Any], cause: str
    ) -> None:
        token = changed(mesh, store, **changes)

        with pytest.raises(Refused) as refused:
            read(token)

        assert (refused.value.code, refused.value.metadata["cause"]) == ("UNAUTHENTICATED", cause)

    def test_refuses_unsigned_forged_and_unknown_keys(
        self, mesh: MeshHarness, store: Store, read: Callable[[str], Any]
    ) -> None:
        claims, key_id = jwt.decode(store.token, options={"verify_signature": False}), mesh.mint._key_id
        body = store.token.rpartition(".")[0]
        tokens = [
            jwt.encode(claims, None, "none", headers={"kid": key_id}),
            jwt.encode(claims, STRANGER, "ES256", headers={"kid": key_id}),
            jwt.encode(claims, STRANGER, "ES256", headers={"kid": "unheard"}),
            jwt.encode(claims, "a secret that nobody gave us, but long", "HS256", headers={"kid": key_id}),
            f"{body}.",
        ]

        for token in tokens:
            with pytest.raises(Refused) as refused:
                read(token)
            assert (refused.value.code, refused.value.metadata["cause"]) == ("UNAUTHENTICATED", "token_invalid")

    def test_takes_the_same_token_unchanged(self, mesh: MeshHarness, store: Store, read: Callable[[str], Any]) -> None:
        assert read(changed(mesh, store)).id == str(store.id)
