"""What administrators do, through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.identity.v1 import admin_service_pb2 as messages
from marketmesh.identity.v1 import auth_service_pb2, store_pb2, store_service_pb2, store_service_pb2_grpc
from tests.identity.people import People, Store
from tests.support.identity import PASSWORD
from tests.support.mesh_harness import MeshHarness, Refused

Kyc = store_pb2.KycStatus.Value


def store_row(mesh: MeshHarness, store: Store) -> Any:
    return mesh.rows("identity", "SELECT * FROM stores WHERE id = :id", id=store.id)[0]


def session_row(mesh: MeshHarness, store: Store) -> Any:
    return mesh.rows("identity", "SELECT * FROM sessions WHERE user_id = :id", id=store.user_id)[0]


class TestListPendingLicenses:
    def test_lists_oldest_first_without_gap_or_repeat(self, mesh: MeshHarness, people: People) -> None:
        store, long_ago = people.store(), mesh.clock.now() - timedelta(days=900)
        ids = [
            people.filed(store, created_at=long_ago + timedelta(minutes=number), issuing_state="WY").id
            for number in range(7)
        ]

        pages = _pages(mesh, people, limit=3, state="WY")

        assert [[item.license.id for item in page] for page in pages] == [ids[:3], ids[3:6], ids[6:]]
        item = pages[0][0]
        assert (item.store.id, item.store.company_name) == (str(store.id), store_row(mesh, store).company_name)
        assert (item.store.kyc_status, item.store.address.state) == (Kyc.pending_verification, "OK")

    def test_leaves_out_other_states_and_decided_ones(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        wanted = people.filed(store, issuing_state="ND").id
        people.filed(store, issuing_state="SD")
        for status in ("verified", "rejected", "expired"):
            people.filed(store, issuing_state="ND", status=status)

        found = [item.license.id for page in _pages(mesh, people, limit=100, state="ND") for item in page]
        everywhere = [item.license.id for page in _pages(mesh, people, limit=100, state="") for item in page]

        assert found == [wanted]
        pending = mesh.rows("identity", "SELECT id FROM licenses WHERE status = 'pending'")
        assert set(everywhere) == {str(row.id) for row in pending}


class TestOnlyAdministrators:
    @pytest.mark.parametrize("who", ["nobody", "store", "agent", "service"])
    def test_may_do_any_of_it(self, mesh: MeshHarness, people: People, who: str) -> None:
        store = people.store()
        filed = people.filed(store)
        token = {
            "nobody": "",
            "store": store.token,
            "agent": mesh.agent_token(),
            "service": mesh.service_token(),
        }[who]
        calls = [
            (people.admin.ListPendingLicenses, messages.ListPendingLicensesRequest()),
            (people.admin.VerifyLicense, messages.VerifyLicenseRequest(license_id=filed.id, decision=1)),
            (people.admin.SetSubscriptionActive, _subscription(store, active=True)),
            (people.admin.CreateAgent, _agent()),
        ]

        for method, request in calls:
            with pytest.raises(Refused) as refused:
                mesh.call(method, request, token=token, key=uuid.uuid4().hex)
            assert refused.value.code == "UNAUTHENTICATED"

        assert people.license_rows(store)[0].status == "pending"
        assert store_row(mesh, store).subscription_active is False
        assert [row.outcome for row in people.audited("license.decide", filed.id)] == ["UNAUTHORIZED"]


class TestVerifyLicense:
    def test_verifies_and_lets_the_store_trade(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        filed = people.filed(store)

        answer = people.decide(filed.id, "verified")

        assert answer.kyc_status == Kyc.verified
        assert answer.license.decided_at.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        assert (people.license_rows(store)[0].status, store_row(mesh, store).kyc_status) == ("verified", "verified")
        assert people.gates(store) == [(1, "pending_verification", False), (2, "verified", False)]
        assert people.events(filed.id) == ["license_status_changed"]
        (notice,) = people.inbox(store.id)
        assert (notice.type, notice.title) == ("compliance", "Licence verified")
        assert notice.link == f"/stores/{store.id}/licenses/{filed.id}"
        (row,) = people.audited("license.decide", filed.id)
        assert (row.before, row.after) == ({"status": "pending"}, {"status": "verified", "reason": ""})

    def test_rejects_with_a_reason_the_store_can_act_on(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        filed = people.filed(store)

        answer = people.decide(filed.id, "rejected", reason="The scan is blurred")

        assert (answer.kyc_status, answer.license.reason) == (Kyc.rejected, "The scan is blurred")
        assert store_row(mesh, store).kyc_status == "rejected"
        (notice,) = people.inbox(store.id)
        assert notice.title == "Licence rejected"
        assert notice.message.endswith("was rejected: The scan is blurred.")

    def test_needs_a_reason_to_reject(self, people: People) -> None:
        store = people.store()
        filed = people.filed(store)

        with pytest.raises(Refused) as refused:
            people.decide(filed.id, "rejected")

        assert (refused.value.reason, [item.field for item in refused.value.violations]) == (
            "VALIDATION_ERROR",
            ["reason"],
        )
        assert people.license_rows(store)[0].status == "pending"

    @pytest.mark.parametrize("status", ["verified", "rejected", "expired"])
    def test_decides_pending_ones_only(self, people: People, status: str) -> None:
        store = people.store()
        filed = people.filed(store, status=status)

        with pytest.raises(Refused) as refused:
            people.decide(filed.id, "rejected", reason="again")

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "LICENSE_NOT_PENDING")
        assert refused.value.metadata["state"] == status
        assert people.license_rows(store)[0].status == status
        assert (people.events(filed.id), people.inbox(store.id)) == ([], [])

    def test_replays_a_decision_and_refuses_a_second_one(self, people: People) -> None:
        store, key = people.store(), uuid.uuid4().hex
        filed = people.filed(store)
        first = people.decide(filed.id, "verified", key=key)

        replayed = people.decide(filed.id, "verified", key=key)
        with pytest.raises(Refused) as refused:
            people.decide(filed.id, "verified")

        assert replayed.SerializeToString() == first.SerializeToString()
        assert refused.value.reason == "LICENSE_NOT_PENDING"
        assert len(people.inbox(store.id)) == 1

    def test_decides_once_of_two_administrators_at_once(self, people: People) -> None:
        store, start = people.store(), threading.Barrier(2)
        filed = people.filed(store)

        def decide(decision: str) -> str:
            start.wait(10)
            try:
                people.decide(filed.id, decision, reason="looks wrong")
            except Refused as refused:
                return refused.reason
            return decision

        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(decide, ["verified", "rejected"]))

        assert outcomes[0] == "LICENSE_NOT_PENDING"
        assert people.license_rows(store)[0].status == outcomes[1]
        assert people.events(filed.id) == ["license_status_changed"]

    def test_keeps_the_status_that_another_licence_gives(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        good, bad = people.filed(store), people.filed(store)
        people.decide(good.id, "verified")

        answer = people.decide(bad.id, "rejected", reason="a double")

        assert answer.kyc_status == Kyc.verified
        assert store_row(mesh, store).gate_version == 2
        assert len(people.gates(store)) == 2

    def test_outdates_the_stores_access_tokens(self, mesh: MeshHarness, people: People) -> None:
        store, bystander = people.store(), people.store()
        filed = people.filed(store)
        now = mesh.clock.advance(timedelta(seconds=1))

        people.decide(filed.id, "verified")
        _, headers = mesh.call(people.auth.Refresh, auth_service_pb2.RefreshRequest(refresh_token=store.refresh_token))

        assert session_row(mesh, store).not_before == now
        assert session_row(mesh, store).ended_at is None
        assert session_row(mesh, bystander).not_before is None
        assert _claims(headers["x-access-token"])["kyc_status"] == "verified"
        assert _claims(headers["x-access-token"])["mms"] >= int(now.timestamp() * 1000)
        assert _claims(store.token)["mms"] < int(now.timestamp() * 1000)

    def test_knows_no_unknown_licence(self, people: People) -> None:
        with pytest.raises(Refused) as refused:
            people.decide(str(uuid.uuid4()), "verified")

        assert refused.value.code == "NOT_FOUND"


class TestSetSubscriptionActive:
    def test_announces_and_audits_the_change(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()

        on = mesh.write(people.admin.SetSubscriptionActive, _subscription(store, active=True), token=people.admin_token)
        off = mesh.write(
            people.admin.SetSubscriptionActive, _subscription(store, active=False), token=people.admin_token
        )

        assert (on.subscription_active, off.subscription_active) == (True, False)
        assert people.gates(store) == [
            (1, "pending_verification", False),
            (2, "pending_verification", True),
            (3, "pending_verification", False),
        ]
        rows = people.audited("store.set_subscription", store.id)
        assert [(row.before, row.after) for row in rows] == [
            ({"subscription_active": False}, {"subscription_active": True, "reason": "paid in cash"}),
            ({"subscription_active": True}, {"subscription_active": False, "reason": "paid in cash"}),
        ]

    def test_announces_nothing_when_nothing_changes(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()

        for _ in range(2):
            mesh.write(people.admin.SetSubscriptionActive, _subscription(store, active=True), token=people.admin_token)

        assert [version for version, _, _ in people.gates(store)] == [1, 2]
        assert len(people.audited("store.set_subscription", store.id)) == 2

    def test_raises_the_version_by_one_for_each_of_many_changes_at_once(
        self, mesh: MeshHarness, people: People
    ) -> None:
        store, start = people.store(), threading.Barrier(4)

        def change(active: bool) -> None:  # noqa: FBT001
            start.wait(10)
            mesh.write(
                people.admin.SetSubscriptionActive, _subscription(store, active=active), token=people.admin_token
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(change, [True, False, True, False]))

        gates = people.gates(store)
        assert [version for version, _, _ in gates] == list(range(1, len(gates) + 1))
        assert store_row(mesh, store).gate_version == len(gates)
        assert gates[-1][2] == store_row(mesh, store).subscription_active

    def test_is_never_switched_by_a_reason_alone(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        mesh.write(people.admin.SetSubscriptionActive, _subscription(store, active=True), token=people.admin_token)
        request = messages.SetSubscriptionActiveRequest(store_id=str(store.id), reason="paid in cash")

        with pytest.raises(Refused) as refused:
            mesh.write(people.admin.SetSubscriptionActive, request, token=people.admin_token)

        assert [item.field for item in refused.value.violations] == ["active"]
        assert store_row(mesh, store).subscription_active

    def test_knows_no_unknown_store(self, mesh: MeshHarness, people: People) -> None:
        request = messages.SetSubscriptionActiveRequest(store_id=str(uuid.uuid4()), active=True, reason="x")

        with pytest.raises(Refused) as refused:
            mesh.write(people.admin.SetSubscriptionActive, request, token=people.admin_token)

        assert refused.value.code == "NOT_FOUND"


class TestCreateAgent:
    def test_makes_an_agent_who_signs_in_without_a_store(self, mesh: MeshHarness, people: People) -> None:
        request = _agent()
        user = mesh.write(people.admin.CreateAgent, request, token=people.admin_token)

        session, headers = mesh.call(
            people.auth.Login, auth_service_pb2.LoginRequest(email=request.email, password=PASSWORD)
        )

        claims = _claims(headers["x-access-token"])
        assert (user.system_role, user.first_name, user.last_name) == ("agent", "Grace", "Hopper")
        assert (session.active_store_id, list(session.stores)) == ("", [])
        assert (claims["aud"], claims["role"], claims.get("active_store_id")) == ("marketmesh.agent", "agent", None)
        assert people.events(user.id) == ["agent_created"]
        (row,) = people.audited("agent.create", user.id)
        assert row.after == {"user_id": user.id, "system_role": "agent"}
        assert row.request == {"first_name": "***", "last_name": "***", "email": "***"}

    def test_takes_the_older_spelling_of_the_first_name(self, mesh: MeshHarness, people: People) -> None:
        both, old, neither = _agent(), _agent(), _agent()
        both.first_names, neither.first_name = "Ignored", ""
        old.first_name, old.first_names = "", "Grace Brewster"

        names = [
            mesh.write(people.admin.CreateAgent, item, token=people.admin_token).first_name for item in (both, old)
        ]
        with pytest.raises(Refused) as refused:
            mesh.write(people.admin.CreateAgent, neither, token=people.admin_token)

        assert names == ["Grace", "Grace Brewster"]
        assert [item.field for item in refused.value.violations] == ["first_name"]

    def test_keeps_agents_away_from_store_and_admin_doors(self, mesh: MeshHarness, people: People) -> None:
        request = _agent()
        mesh.write(people.admin.CreateAgent, request, token=people.admin_token)
        login = auth_service_pb2.LoginRequest(email=request.email, password=PASSWORD)
        _, headers = mesh.call(people.auth.Login, login)
        stores = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")

        with pytest.raises(Refused) as store_door:
            mesh.call(stores.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=headers["x-access-token"])
        with pytest.raises(Refused) as admin_door:
            mesh.call(people.auth.AdminLogin, login)

        assert store_door.value.metadata["cause"] == "token_audience"
        assert admin_door.value.reason == "CREDENTIALS_INVALID"

    def test_refuses_a_known_address_in_any_case(self, mesh: MeshHarness, people: People) -> None:
        store, request = people.store(), _agent()
        request.email = store.email.upper()

        with pytest.raises(Refused) as refused:
            mesh.write(people.admin.CreateAgent, request, token=people.admin_token)

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "EMAIL_TAKEN")
        rows = mesh.rows("identity", "SELECT system_role FROM users WHERE lower(email) = :email", email=store.email)
        assert [row.system_role for row in rows] == [None]


def _agent() -> messages.CreateAgentRequest:
    return messages.CreateAgentRequest(
        first_name="Grace", last_name="Hopper", email=f"{uuid.uuid4().hex}@example.com", password=PASSWORD
    )


def _subscription(store: Store, *, active: bool) -> messages.SetSubscriptionActiveRequest:
    return messages.SetSubscriptionActiveRequest(store_id=str(store.id), active=active, reason="paid in cash")


def _claims(token: str) -> dict[str, Any]:
    import jwt

    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _pages(mesh: MeshHarness, people: People, *, limit: int, state: str) -> list[list[messages.PendingLicense]]:
    pages, cursor = [], ""
    while True:
        request = messages.ListPendingLicensesRequest(limit=limit, cursor=cursor, state=state)
        answer = mesh.read(people.admin.ListPendingLicenses, request, token=people.admin_token)
        pages.append(list(answer.items))
        cursor = answer.next_cursor
        if not cursor:
            return pages
