"""AuthService through its whole interceptor chain."""

from __future__ import annotations

import uuid
from datetime import timedelta

import jwt
import pytest

from marketmesh.identity.v1 import auth_service_pb2 as messages
from marketmesh.identity.v1 import auth_service_pb2_grpc as stubs
from marketmesh.identity.v1 import store_service_pb2, store_service_pb2_grpc
from tests.identity.people import publish_revocations
from tests.support.identity import PASSWORD, register_request
from tests.support.mesh_harness import MeshHarness, Refused, as_dict


@pytest.fixture
def auth(mesh: MeshHarness) -> stubs.AuthServiceStub:
    return mesh.stub(stubs.AuthServiceStub, "identity")


class TestRegister:
    def test_creates_user_store_and_membership_as_one(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request = register_request(store_type="vendor")

        session, headers = mesh.call(auth.Register, request, key=uuid.uuid4().hex)

        assert session.user.email == request.email
        assert [store.name for store in session.stores] == [request.company_name]
        assert as_dict(session.stores[0])["role"] == "owner"
        assert session.active_store_id == session.stores[0].id
        assert headers["x-access-token"]
        assert headers["x-refresh-token"]

    def test_puts_no_token_into_the_body(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        session, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)

        body = session.SerializeToString()

        assert headers["x-access-token"].encode() not in body
        assert headers["x-refresh-token"].encode() not in body

    def test_announces_the_store_and_its_gate(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        session, _ = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)

        events = mesh.rows(
            "identity",
            "SELECT type FROM outbox WHERE ordering_key = :key ORDER BY seq",
            key=session.active_store_id,
        )

        assert [event.type for event in events] == ["store_created", "store_gate_changed"]

    def test_adds_a_store_to_a_user_who_knows_the_password(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        request = register_request()
        first, _ = mesh.call(auth.Register, request, key=uuid.uuid4().hex)
        request.company_name = "Second Store"

        second, _ = mesh.call(auth.Register, request, key=uuid.uuid4().hex)

        assert second.user.id == first.user.id
        assert len(second.stores) == 2

    def test_refuses_a_known_email_with_a_wrong_password(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request = register_request()
        first, _ = mesh.call(auth.Register, request, key=uuid.uuid4().hex)
        request.password = "another password entirely"

        with pytest.raises(Refused) as refused:
            mesh.call(auth.Register, request, key=uuid.uuid4().hex)

        assert (refused.value.code, refused.value.reason) == ("UNAUTHENTICATED", "CREDENTIALS_INVALID")
        stores = mesh.rows("identity", "SELECT 1 FROM memberships WHERE user_id = CAST(:id AS uuid)", id=first.user.id)
        assert len(stores) == 1

    def test_names_every_bad_field(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request = register_request()
        request.email, request.accept_tos, request.address.state = "nobody", False, "oklahoma"

        with pytest.raises(Refused) as refused:
            mesh.call(auth.Register, request, key=uuid.uuid4().hex)

        assert refused.value.reason == "VALIDATION_ERROR"
        assert {item.field for item in refused.value.violations} == {"email", "accept_tos", "address.state"}


class TestIdempotency:
    def test_needs_a_key(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        with pytest.raises(Refused) as refused:
            mesh.call(auth.Register, register_request())

        assert (refused.value.code, refused.value.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_MISSING")

    def test_replays_the_same_bytes_and_no_tokens(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request, key = register_request(), uuid.uuid4().hex
        first, _ = mesh.call(auth.Register, request, key=key)

        second, headers = mesh.call(auth.Register, request, key=key)

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert headers["x-idempotent-replay"] == "true"
        assert "x-access-token" not in headers

    def test_leaves_a_client_that_lost_the_tokens_to_sign_in(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        request, key = register_request(), uuid.uuid4().hex
        mesh.call(auth.Register, request, key=key)
        replayed, _ = mesh.call(auth.Register, request, key=key)

        session, headers = mesh.call(auth.Login, messages.LoginRequest(email=request.email, password=PASSWORD))

        assert headers["x-access-token"]
        assert session.active_store_id == replayed.active_store_id
        stored = mesh.rows("identity", "SELECT headers FROM idempotency_keys WHERE key = :key", key=key)
        assert [row.headers for row in stored] == [{}]

    def test_refuses_a_key_with_another_request(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request, key = register_request(), uuid.uuid4().hex
        mesh.call(auth.Register, request, key=key)
        request.company_name = "Other"

        with pytest.raises(Refused) as refused:
            mesh.call(auth.Register, request, key=key)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "IDEMPOTENCY_KEY_REUSED")
        assert refused.value.headers["x-http-status"] == "409"


class TestAdminRegister:
    def test_refuses_a_taken_address_and_makes_nobody(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        email = f"{uuid.uuid4().hex}@example.com"
        request = messages.AdminRegisterRequest(first_name="A", last_name="B", email=email, password=PASSWORD)
        mesh.call(auth.AdminRegister, request, key=uuid.uuid4().hex)
        before = mesh.rows("identity", "SELECT count(*) AS n FROM users")[0].n
        request.first_name, request.email = "Another", email.upper()

        with pytest.raises(Refused) as refused:
            mesh.call(auth.AdminRegister, request, key=uuid.uuid4().hex)

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "EMAIL_TAKEN")
        assert mesh.rows("identity", "SELECT count(*) AS n FROM users")[0].n == before


class TestLogin:
    def test_answers_unknown_and_wrong_alike(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request = register_request()
        mesh.call(auth.Register, request, key=uuid.uuid4().hex)

        refusals = []
        for email, password in ((request.email, "wrong"), ("nobody@example.com", PASSWORD)):
            with pytest.raises(Refused) as refused:
                mesh.call(auth.Login, messages.LoginRequest(email=email, password=password))
            refusals.append(refused.value.status.SerializeToString(deterministic=True))

        assert refusals[0] == refusals[1]

    def test_remembers_when_a_person_signed_in_last(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request = register_request()
        session, _ = mesh.call(auth.Register, request, key=uuid.uuid4().hex)
        sql = "SELECT last_login_at FROM users WHERE id = CAST(:id AS uuid)"
        registered = mesh.rows("identity", sql, id=session.user.id)[0].last_login_at
        mesh.clock.advance(timedelta(minutes=1))
        login = messages.LoginRequest(email=request.email, password=PASSWORD)
        with pytest.raises(Refused):
            mesh.call(auth.Login, messages.LoginRequest(email=request.email, password="wrong"))
        refused = mesh.rows("identity", sql, id=session.user.id)[0].last_login_at

        answer, _ = mesh.call(auth.Login, login)

        assert registered == refused == mesh.clock.now() - timedelta(minutes=1)
        assert mesh.rows("identity", sql, id=session.user.id)[0].last_login_at == mesh.clock.now()
        assert [store.id for store in answer.stores] == [session.active_store_id]

    def test_keeps_administrators_out_of_the_store_door(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        email = f"{uuid.uuid4().hex}@example.com"
        admin = messages.AdminRegisterRequest(first_name="A", last_name="B", email=email, password=PASSWORD)
        mesh.call(auth.AdminRegister, admin, key=uuid.uuid4().hex)
        login = messages.LoginRequest(email=email, password=PASSWORD)

        session, headers = mesh.call(auth.AdminLogin, login)
        with pytest.raises(Refused) as refused:
            mesh.call(auth.Login, login)

        assert session.user.system_role == "admin"
        assert session.active_store_id == ""
        assert refused.value.reason == "CREDENTIALS_INVALID"
        assert headers["x-access-token"]

    def test_audits_success_and_failure(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        request = register_request()
        session, _ = mesh.call(auth.Register, request, key=uuid.uuid4().hex)
        mesh.call(auth.Login, messages.LoginRequest(email=request.email, password=PASSWORD))
        marker = f"{uuid.uuid4().hex}@example.com"
        with pytest.raises(Refused):
            mesh.call(auth.Login, messages.LoginRequest(email=marker, password="x"), x_request_id=marker[:32])

        success = mesh.rows(
            "identity", "SELECT outcome FROM audit_log WHERE action = 'auth.login' AND target = :id", id=session.user.id
        )
        failure = mesh.rows("identity", "SELECT outcome, request FROM audit_log WHERE request_id = :id", id=marker[:32])

        assert [row.outcome for row in success] == ["ok"]
        assert [row.outcome for row in failure] == ["CREDENTIALS_INVALID"]
        assert failure[0].request == {"email": "***"}


class TestRefresh:
    def test_gives_the_same_successor_within_the_grace_time(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        request = messages.RefreshRequest(refresh_token=headers["x-refresh-token"])

        successors = {mesh.call(auth.Refresh, request)[1]["x-refresh-token"] for _ in range(20)}

        assert len(successors) == 1

    def test_revokes_the_family_when_a_spent_token_comes_back(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        stolen = messages.RefreshRequest(refresh_token=headers["x-refresh-token"])
        _, rotated = mesh.call(auth.Refresh, stolen)
        mesh.clock.advance(timedelta(seconds=21))

        with pytest.raises(Refused) as reused:
            mesh.call(auth.Refresh, stolen)
        with pytest.raises(Refused) as successor:
            mesh.call(auth.Refresh, messages.RefreshRequest(refresh_token=rotated["x-refresh-token"]))

        assert reused.value.reason == "REFRESH_TOKEN_REUSED"
        assert successor.value.reason == "REFRESH_TOKEN_INVALID"

    def test_gives_tokens_that_count_after_the_clock_was_put_back(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        mesh.clock.advance(timedelta(minutes=4))
        for jump in (timedelta(seconds=1), timedelta(minutes=-4), timedelta()):
            refresh = messages.RefreshRequest(refresh_token=headers["x-refresh-token"])
            headers = mesh.call(auth.Refresh, refresh)[1]
            mesh.clock.advance(jump)

        claims = jwt.decode(headers["x-access-token"], options={"verify_signature": False})

        (session,) = mesh.rows(
            "identity", "SELECT not_before FROM sessions WHERE id = CAST(:id AS uuid)", id=claims["sid"]
        )
        assert session.not_before > mesh.clock.now()
        assert claims["mms"] >= int(session.not_before.timestamp() * 1000)
        assert claims["iat"] <= mesh.clock.now().timestamp()

    def test_ends_the_access_token_that_came_with_the_spent_one(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        spent = messages.RefreshRequest(refresh_token=headers["x-refresh-token"])
        store = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        mesh.clock.advance(timedelta(minutes=5))
        first = mesh.call(auth.Refresh, spent)[1]["x-access-token"]
        mesh.clock.advance(timedelta(seconds=20))
        twin = mesh.call(auth.Refresh, spent)[1]["x-access-token"]
        publish_revocations(mesh)

        with pytest.raises(Refused) as refused:
            until_refused(mesh, store, headers["x-access-token"])

        assert refused.value.metadata["cause"] == "token_revoked"
        for token in (first, twin):
            mesh.call(store.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=token)

    def test_puts_no_session_on_the_list_whose_access_token_has_expired(
        self, mesh: MeshHarness, auth: stubs.AuthServiceStub
    ) -> None:
        session, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        mesh.clock.advance(timedelta(minutes=16))

        mesh.call(auth.Refresh, messages.RefreshRequest(refresh_token=headers["x-refresh-token"]))

        sql = "SELECT not_before FROM sessions WHERE user_id = CAST(:id AS uuid)"
        assert [row.not_before for row in mesh.rows("identity", sql, id=session.user.id)] == [None]

    def test_needs_no_living_access_token(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        expired = headers["x-access-token"]
        mesh.clock.advance(timedelta(minutes=16))
        store = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        with pytest.raises(Refused) as refused:
            mesh.call(store.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=expired)

        session, renewed = mesh.call(
            auth.Refresh, messages.RefreshRequest(refresh_token=headers["x-refresh-token"]), token=expired
        )

        assert refused.value.metadata["cause"] == "token_expired"
        mine = mesh.read(store.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=renewed["x-access-token"])
        assert mine.id == session.active_store_id

    def test_ends_with_the_session(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        mesh.call(auth.Logout, messages.LogoutRequest(), token=headers["x-access-token"])

        with pytest.raises(Refused) as refused:
            mesh.call(auth.Refresh, messages.RefreshRequest(refresh_token=headers["x-refresh-token"]))

        assert (refused.value.code, refused.value.reason) == ("UNAUTHENTICATED", "REFRESH_TOKEN_INVALID")


class TestAuthentication:
    def test_refuses_missing_garbage_and_foreign_audience(self, mesh: MeshHarness) -> None:
        store = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        causes = {}
        for name, token in (("missing", ""), ("garbage", "abc.def.ghi"), ("audience", mesh.admin_token())):
            with pytest.raises(Refused) as refused:
                mesh.call(store.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=token)
            causes[name] = (refused.value.code, refused.value.metadata["cause"])

        assert causes == {
            "missing": ("UNAUTHENTICATED", "token_missing"),
            "garbage": ("UNAUTHENTICATED", "token_invalid"),
            "audience": ("UNAUTHENTICATED", "token_audience"),
        }

    def test_refuses_a_session_after_logout_everywhere(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        token = headers["x-access-token"]
        store = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        mesh.call(auth.Logout, messages.LogoutRequest(), token=token)
        publish_revocations(mesh)

        with pytest.raises(Refused) as refused:
            until_refused(mesh, store, token)

        assert refused.value.metadata["cause"] == "token_revoked"

    def test_lets_a_session_be_ended_that_has_ended(self, mesh: MeshHarness, auth: stubs.AuthServiceStub) -> None:
        _, headers = mesh.call(auth.Register, register_request(), key=uuid.uuid4().hex)
        token = headers["x-access-token"]
        store = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        mesh.call(auth.Logout, messages.LogoutRequest(), token=token)
        publish_revocations(mesh)
        with pytest.raises(Refused):
            until_refused(mesh, store, token)

        answer, _ = mesh.call(auth.Logout, messages.LogoutRequest(), token=token)

        assert answer.ok

    def test_service_tokens_open_no_door_of_people(self, mesh: MeshHarness) -> None:
        store = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")

        with pytest.raises(Refused) as refused:
            mesh.call(store.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=mesh.service_token())

        assert refused.value.metadata["cause"] == "token_audience"


def until_refused(mesh: MeshHarness, store: store_service_pb2_grpc.StoreServiceStub, token: str) -> None:
    import time

    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        mesh.call(store.GetMyStore, store_service_pb2.GetMyStoreRequest(), token=token)
