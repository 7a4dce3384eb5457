"""AuthService: accounts and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api import httpbody_pb2

from marketmesh.identity.v1 import auth_service_pb2, store_pb2
from meshkit.grpc.prepared import prepared
from meshkit.ids import parse_id
from services.identity.accounts.api.mapping import first_name_of, user_message
from services.identity.accounts.usecases.create_system_user import create_system_user
from services.identity.accounts.usecases.stored_password import CheckedPassword, stored_password
from services.identity.errors import AdminRegisterClosed
from services.identity.sessions.api import mapping
from services.identity.sessions.usecases.end_session import end_session
from services.identity.sessions.usecases.login import login
from services.identity.sessions.usecases.refresh_session import refresh_session
from services.identity.sessions.usecases.register import Registration, register
from services.identity.sessions.usecases.switch_store import switch_store
from services.identity.stores.api.mapping import address_document

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions, Tx
    from services.identity.outbound.passwords import Passwords
    from services.identity.sessions.usecases.issue_tokens import TokenKit


@dataclass(frozen=True)
class AuthServicer:
    """Translates; the rules are in the use cases."""

    passwords: Passwords
    kit: TokenKit
    dev_routes: bool
    transactions: Transactions

    def _check(self, request: auth_service_pb2.LoginRequest, call: Call) -> CheckedPassword:
        """Compare; an unknown address takes as long."""
        stored = self._stored(request.email, call)
        return CheckedPassword(stored, fits=self.passwords.matches(stored, request.password))

    def _check_or_hash(self, request: auth_service_pb2.RegisterRequest, call: Call) -> CheckedPassword:
        stored = self._stored(request.email, call)
        if stored is None:
            return CheckedPassword(None, new_hash=self.passwords.hash_new(request.password, email=request.email))
        return CheckedPassword(stored, fits=self.passwords.matches(stored, request.password))

    def _stored(self, email: str, call: Call) -> str | None:
        with self.transactions.read(call) as tx:
            return stored_password(tx, email=email)

    def _hash_if_open(self, request: auth_service_pb2.AdminRegisterRequest, call: Call) -> str:  # noqa: ARG002
        if not self.dev_routes:
            raise AdminRegisterClosed
        return self.passwords.hash_new(request.password, email=request.email)

    @prepared(_check_or_hash)
    def Register(
        self, request: auth_service_pb2.RegisterRequest, tx: Tx, checked: CheckedPassword
    ) -> auth_service_pb2.Session:
        registration = Registration(
            first_name=request.first_name,
            last_name=request.last_name,
            email=request.email,
            phone=request.phone,
            company_name=request.company_name,
            dba_name=request.dba_name,
            store_type=store_pb2.StoreType.Value.Name(request.store_type),
            address=address_document(request.address),
        )
        signed_in = register(tx, registration, checked=checked, kit=self.kit)
        return mapping.session_message(signed_in, tx.call)

    @prepared(_check)
    def Login(
        self, request: auth_service_pb2.LoginRequest, tx: Tx, checked: CheckedPassword
    ) -> auth_service_pb2.Session:
        signed_in = login(tx, email=request.email, checked=checked, kit=self.kit)
        return mapping.session_message(signed_in, tx.call)

    @prepared(_check)
    def AdminLogin(
        self, request: auth_service_pb2.LoginRequest, tx: Tx, checked: CheckedPassword
    ) -> auth_service_pb2.Session:
        signed_in = login(tx, email=request.email, checked=checked, kit=self.kit, administrators=True)
        return mapping.session_message(signed_in, tx.call)

    @prepared(_hash_if_open)
    def AdminRegister(
        self, request: auth_service_pb2.AdminRegisterRequest, tx: Tx, password_hash: str
    ) -> store_pb2.User:
        user = create_system_user(
            tx,
            email=request.email,
            password_hash=password_hash,
            first_name=first_name_of(request),
            last_name=request.last_name,
            system_role="admin",
        )
        return user_message(user)

    def Refresh(self, request: auth_service_pb2.RefreshRequest, tx: Tx) -> auth_service_pb2.Session:
        return mapping.session_message(refresh_session(tx, refresh_token=request.refresh_token, kit=self.kit), tx.call)

    def Logout(self, request: auth_service_pb2.LogoutRequest, tx: Tx) -> auth_service_pb2.LogoutResponse:  # noqa: ARG002
        end_session(tx)
        return auth_service_pb2.LogoutResponse(ok=True)

    def SwitchStore(self, request: auth_service_pb2.SwitchStoreRequest, tx: Tx) -> auth_service_pb2.Session:
        store_id = parse_id(request.store_id, field="store_id")
        return mapping.session_message(switch_store(tx, store_id=store_id, kit=self.kit), tx.call)

    def GetJwks(self, request: auth_service_pb2.GetJwksRequest, tx: Tx) -> httpbody_pb2.HttpBody:  # noqa: ARG002
        return httpbody_pb2.HttpBody(content_type="application/json", data=self.kit.mint.jwks())
