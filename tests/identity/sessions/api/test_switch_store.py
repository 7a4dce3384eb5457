"""AuthService: several stores of one person, and people who were shut out."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from deploy.cli.waiting import until
from marketmesh.identity.v1 import auth_service_pb2 as messages
from marketmesh.identity.v1 import store_service_pb2, store_service_pb2_grpc
from services.identity.stores.data import stores
from tests.identity.people import People, Store, publish_revocations
from tests.support.identity import register_request
from tests.support.mesh_harness import MeshHarness, Refused


def join(mesh: MeshHarness, member: Store, store: Store, *, role: str = "manager", status: str = "active") -> None:
    """Make a person a member of another's store."""
    with mesh.as_owner("identity") as tx:
        stores.add_member(tx, store_id=store.id, user_id=member.user_id, role=role)
        tx.execute(
            text("UPDATE memberships SET status = :status WHERE store_id = :store AND user_id = :user"),
            {"status": status, "store": store.id, "user": member.user_id},
        )


def switch(
    mesh: MeshHarness, people: People, who: Store, store_id: uuid.UUID
) -> tuple[messages.Session, dict[str, str]]:
    request = messages.SwitchStoreRequest(store_id=str(store_id))
    answer: tuple[messages.Session, dict[str, str]] = mesh.call(people.auth.SwitchStore, request, token=who.token)
    return answer


def claims_of(headers: dict[str, str]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(headers["x-access-token"], options={"verify_signature": False})
    return claims


def is_revoked(mesh: MeshHarness, stub: Any, token: str) -> bool:
    try:
        mesh.read(stub.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=token)
    except Refused as refused:
        return refused.metadata.get("cause") == "token_revoked"
    return False


class TestSwitchStore:
    def test_mints_tokens_for_the_other_store(self, mesh: MeshHarness, people: People) -> None:
        me, other = people.store(store_type="buyer"), people.store(store_type="vendor")
        join(mesh, me, other)
        people.decide(people.filed(other).id, "verified")

        session, headers = switch(mesh, people, me, other.id)

        claims = claims_of(headers)
        assert session.active_store_id == claims["active_store_id"] == str(other.id)
        assert (claims["role"], claims["store_type"], claims["kyc_status"]) == ("manager", "vendor", "verified")
        assert {store.id for store in session.stores} == {str(me.id), str(other.id)}
        assert len(people.audited("auth.switch_store", other.id)) == 1

    def test_stays_switched_after_a_refresh(self, mesh: MeshHarness, people: People) -> None:
        me, other = people.store(), people.store()
        join(mesh, me, other)
        _, headers = switch(mesh, people, me, other.id)

        refreshed, again = mesh.call(
            people.auth.Refresh, messages.RefreshRequest(refresh_token=headers["x-refresh-token"])
        )

        assert refreshed.active_store_id == claims_of(again)["active_store_id"] == str(other.id)

    def test_spends_the_refresh_token_so_that_one_family_lives_on(self, mesh: MeshHarness, people: People) -> None:
        me, other = people.store(), people.store()
        join(mesh, me, other)
        _, headers = switch(mesh, people, me, other.id)

        session, replayed = mesh.call(people.auth.Refresh, messages.RefreshRequest(refresh_token=me.refresh_token))

        assert replayed["x-refresh-token"] == headers["x-refresh-token"] != me.refresh_token
        assert session.active_store_id == str(other.id)
        live = mesh.rows(
            "identity",
            "SELECT 1 FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id"
            " WHERE s.user_id = :user AND t.rotated_at IS NULL",
            user=me.user_id,
        )
        assert len(live) == 1

    def test_takes_the_spent_refresh_token_for_theft_after_the_grace_time(
        self, mesh: MeshHarness, people: People
    ) -> None:
        me, other = people.store(), people.store()
        join(mesh, me, other)
        _, headers = switch(mesh, people, me, other.id)
        mesh.clock.advance(timedelta(seconds=21))

        reasons = []
        for token in (me.refresh_token, headers["x-refresh-token"]):
            with pytest.raises(Refused) as refused:
                mesh.call(people.auth.Refresh, messages.RefreshRequest(refresh_token=token))
            reasons.append(refused.value.reason)

        assert reasons == ["REFRESH_TOKEN_REUSED", "REFRESH_TOKEN_INVALID"]

    def test_ends_the_access_token_of_the_store_that_is_left(self, mesh: MeshHarness, people: People) -> None:
        me, other = people.store(), people.store()
        join(mesh, me, other)
        stub = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        _, headers = switch(mesh, people, me, other.id)
        publish_revocations(mesh)
        get = store_service_pb2.GetMyStoreRequest()

        until("the old token counts no longer", lambda: is_revoked(mesh, stub, me.token))
        mine = mesh.read(stub.GetMyStore, get, token=headers["x-access-token"])
        _, again = switch(mesh, people, replace(me, token=headers["x-access-token"]), me.id)
        publish_revocations(mesh)

        until("nor does the one in between", lambda: is_revoked(mesh, stub, headers["x-access-token"]))
        assert mine.id == str(other.id)
        assert mesh.read(stub.GetMyStore, get, token=again["x-access-token"]).id == str(me.id)

    def test_refuses_foreign_left_and_unknown_stores_alike(self, mesh: MeshHarness, people: People) -> None:
        me, foreign, left, invited = (people.store() for _ in range(4))
        join(mesh, me, left, status="removed")
        join(mesh, me, invited, status="invited")

        refusals = []
        for store_id in (foreign.id, left.id, invited.id, uuid.uuid4()):
            with pytest.raises(Refused) as refused:
                switch(mesh, people, me, store_id)
            refusals.append(refused.value)

        assert {(refusal.code, refusal.reason) for refusal in refusals} == {("PERMISSION_DENIED", "NOT_A_MEMBER")}
        assert len({refusal.status.SerializeToString(deterministic=True) for refusal in refusals}) == 1
        row = mesh.rows("identity", "SELECT active_store_id FROM sessions WHERE user_id = :id", id=me.user_id)[0]
        assert row.active_store_id == me.id


class TestShutOut:
    def test_lets_nobody_in_whose_account_is_switched_off(self, mesh: MeshHarness, people: People) -> None:
        request = register_request()
        _, headers = mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)
        with mesh.as_owner("identity") as tx:
            tx.execute(text("UPDATE users SET is_active = false WHERE email = :email"), {"email": request.email})
        login = messages.LoginRequest(email=request.email, password=request.password)
        refresh = messages.RefreshRequest(refresh_token=headers["x-refresh-token"])

        reasons = []
        for method, message, key in (
            (people.auth.Login, login, ""),
            (people.auth.Register, request, uuid.uuid4().hex),
            (people.auth.Refresh, refresh, ""),
        ):
            with pytest.raises(Refused) as refused:
                mesh.call(method, message, key=key)
            reasons.append(refused.value.reason)

        assert reasons == ["CREDENTIALS_INVALID", "CREDENTIALS_INVALID", "REFRESH_TOKEN_INVALID"]
        rows = mesh.rows(
            "identity",
            "SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.email = :email",
            email=request.email,
        )
        assert len(rows) == 1
