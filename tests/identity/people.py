"""People, stores and licences, brought about the way clients do it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
from sqlalchemy import text

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from marketmesh.identity.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    auth_service_pb2_grpc,
    license_pb2,
    license_service_pb2,
    license_service_pb2_grpc,
)
from marketmesh.media.v1 import media_service_pb2_grpc
from meshkit.revocation import REDIS_KEY
from services.identity.accounts.usecases.stored_password import CheckedPassword
from services.identity.sessions.jobs.publish_revocations import RevocationPublisher
from services.identity.sessions.usecases.register import Registration, register
from services.identity.stores.api.mapping import address_document
from tests.media.uploads import Uploads
from tests.support.identity import register_request

if TYPE_CHECKING:
    from services.identity.sessions.usecases.issue_tokens import TokenKit
    from tests.support.mesh_harness import MeshHarness

_COUNT_GATES = "SELECT payload FROM outbox WHERE type = 'store_gate_changed' AND ordering_key = :id ORDER BY seq"


def publish_revocations(mesh: MeshHarness) -> None:
    """Bring the list of ended sessions in Redis up to date, as identity's loop does."""
    client = redis.Redis.from_url(mesh.stack.addresses.redis_url)
    RevocationPublisher(mesh.process("identity").transactions, client).publish_once()
    assert client.hlen(REDIS_KEY) > 0


@dataclass
class Store:
    """A registered store with its owner's tokens."""

    id: uuid.UUID
    user_id: uuid.UUID
    email: str
    token: str
    refresh_token: str


@dataclass
class People:
    """What clients of identity do."""

    mesh: MeshHarness

    def __post_init__(self) -> None:
        self.auth = self.mesh.stub(auth_service_pb2_grpc.AuthServiceStub, "identity")
        self.licenses = self.mesh.stub(license_service_pb2_grpc.LicenseServiceStub, "identity")
        self.admin = self.mesh.stub(admin_service_pb2_grpc.IdentityAdminServiceStub, "identity")
        self.admin_token = self.mesh.admin_token(uuid.uuid4())

    def store(self, *, store_type: str = "vendor") -> Store:
        """Register a person with a store; spares the hashing of a password that no test of these uses."""
        request = register_request(store_type=store_type)
        registration = Registration(
            first_name=request.first_name,
            last_name=request.last_name,
            email=request.email,
            phone="",
            company_name=request.company_name,
            dba_name="",
            store_type=store_type,
            address=address_document(request.address),
        )
        with self.mesh.transaction("identity") as tx:
            signed_in = register(tx, registration, checked=CheckedPassword(None, new_hash="none"), kit=self.kit)
        assert signed_in.active_store_id
        return Store(
            id=signed_in.active_store_id,
            user_id=signed_in.user.id,
            email=request.email,
            token=signed_in.access_token,
            refresh_token=signed_in.refresh_token,
        )

    @property
    def kit(self) -> TokenKit:
        """Return the running service's means of minting."""
        kit: TokenKit = self.mesh.process("identity").wiring.servicers[0].implementation.kit
        return kit

    def uploads(self, store: Store) -> Uploads:
        """Return short cuts to a store's files."""
        return Uploads(self.mesh, self.mesh.stub(media_service_pb2_grpc.MediaServiceStub, "media"), store.id)

    def papers(self, store: Store, **changes: Any) -> license_service_pb2.CreateLicenseRequest:
        """Return the request for a licence whose document is uploaded."""
        fields = {
            "issuing_state": "OK",
            "issue_date": "2026-01-01",
            "expiration_date": "2027-01-01",
            "type": license_pb2.LicenseType.Value.dispensary,
            "number": uuid.uuid4().hex,
        }
        if "media_id" not in changes:
            fields["media_id"] = str(self.uploads(store).uploaded())
        return license_service_pb2.CreateLicenseRequest(**{**fields, **changes})

    def file(
        self, store: Store, request: license_service_pb2.CreateLicenseRequest, *, key: str = ""
    ) -> license_pb2.License:
        """File a licence."""
        answer: license_pb2.License = self.mesh.call(
            self.licenses.CreateLicense, request, token=store.token, key=key or uuid.uuid4().hex
        )[0]
        return answer

    def filed(self, store: Store, **changes: Any) -> license_pb2.License:
        """File a licence whose document is never asked for: straight into the table, for tests of what comes after."""
        license_id = uuid.uuid4()
        columns = {"status": "pending", "issuing_state": "OK", "created_at": self.mesh.clock.now(), **changes}
        with self.mesh.transaction("identity") as tx:
            tx.execute(
                text(
                    "INSERT INTO licenses (id, store_id, user_id, status, media_id, issuing_state, type, number, reason,"
                    " created_at) VALUES (:id, :store, :user, :status, :media, :issuing_state, 'grower', :number, '',"
                    " :created_at)"
                ),
                {
                    "id": license_id,
                    "store": store.id,
                    "user": store.user_id,
                    "media": uuid.uuid4(),
                    "number": license_id.hex,
                    **columns,
                },
            )
        return license_pb2.License(id=str(license_id), store_id=str(store.id))

    def decide(self, license_id: str, decision: str, *, reason: str = "", key: str = "") -> Any:
        """Verify or reject as an administrator."""
        request = admin_service_pb2.VerifyLicenseRequest(
            license_id=license_id, decision=admin_service_pb2.LicenseDecision.Value.Value(decision), reason=reason
        )
        return self.mesh.call(self.admin.VerifyLicense, request, token=self.admin_token, key=key or uuid.uuid4().hex)[0]

    def license_rows(self, store: Store) -> list[Any]:
        """Return a store's licences."""
        return self.mesh.rows(
            "identity", "SELECT * FROM licenses WHERE store_id = :id ORDER BY created_at", id=store.id
        )

    def attachments(self, store: Store) -> list[Any]:
        """Return what media has attached for a store."""
        return self.mesh.rows("media", "SELECT * FROM media_attachments WHERE store_id = :id", id=store.id)

    def gates(self, store: Store) -> list[tuple[int, str, bool]]:
        """Return the announced gates of a store: version, KYC status, subscription."""
        rows = self.mesh.rows("identity", _COUNT_GATES, id=str(store.id))
        gates = [events.StoreGateChanged.FromString(bytes(row.payload)) for row in rows]
        return [(gate.version, gate.kyc_status, gate.subscription_active) for gate in gates]

    def events(self, key: str) -> list[str]:
        """Return the types of events of an aggregate, oldest first."""
        sql = "SELECT type FROM outbox WHERE ordering_key = :key ORDER BY seq"
        return [row.type for row in self.mesh.rows("identity", sql, key=key)]

    def audited(self, action: str, target: object) -> list[Any]:
        """Return the audit rows of an action on something, oldest first."""
        sql = "SELECT * FROM audit_log WHERE action = :action AND target = :target ORDER BY seq"
        return self.mesh.rows("identity", sql, action=action, target=str(target))

    def inbox(self, store_id: uuid.UUID | str | None, link: str = "") -> list[Any]:
        """Return a recipient's notifications; None means the administrators, of whom only those about `link`."""
        sql = (
            "SELECT * FROM notifications WHERE store_id IS NOT DISTINCT FROM CAST(:id AS uuid)"
            " AND (:link = '' OR link = :link) ORDER BY created_at, title"
        )
        return self.mesh.rows("identity", sql, id=store_id and str(store_id), link=link)
