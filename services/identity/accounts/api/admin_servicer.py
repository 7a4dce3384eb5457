"""IdentityAdminService: what administrators do with people, licences and stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.identity.v1 import admin_service_pb2, store_pb2
from meshkit.cursor import Page
from meshkit.grpc.prepared import prepared
from meshkit.ids import parse_id
from services.identity.accounts.api import mapping
from services.identity.accounts.usecases.create_system_user import create_system_user
from services.identity.licenses.api.mapping import license_message
from services.identity.licenses.domain.kyc import LicenseStatus
from services.identity.licenses.usecases.decide_license import decide_license
from services.identity.licenses.usecases.list_licenses import list_pending_licenses
from services.identity.licenses.usecases.sign_documents import sign_documents
from services.identity.stores.api.mapping import store_message
from services.identity.stores.usecases.set_subscription_active import set_subscription_active

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from meshkit.call import Call
    from meshkit.db.tx import Tx
    from services.identity.licenses.domain.license import PendingLicense
    from services.identity.outbound.passwords import Passwords
    from services.identity.outbound.ports import DocumentReader


@dataclass(frozen=True)
class IdentityAdminServicer:
    """Translates; the rules are in the use cases."""

    passwords: Passwords
    documents: DocumentReader

    def _hash(self, request: admin_service_pb2.CreateAgentRequest, call: Call) -> str:  # noqa: ARG002
        return self.passwords.hash_new(request.password, email=request.email)

    @prepared(_hash)
    def CreateAgent(self, request: admin_service_pb2.CreateAgentRequest, tx: Tx, password_hash: str) -> store_pb2.User:
        user = create_system_user(
            tx,
            email=request.email,
            password_hash=password_hash,
            first_name=mapping.first_name_of(request),
            last_name=request.last_name,
            system_role="agent",
        )
        return mapping.user_message(user)

    def ListPendingLicenses(
        self, request: admin_service_pb2.ListPendingLicensesRequest, tx: Tx
    ) -> admin_service_pb2.ListPendingLicensesResponse:
        page = Page.of(request)
        rows, following = list_pending_licenses(tx, page=page, issuing_state=request.state)
        urls = sign_documents(tx, rows, documents=self.documents)
        return admin_service_pb2.ListPendingLicensesResponse(
            items=[_pending(row, urls) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def VerifyLicense(
        self, request: admin_service_pb2.VerifyLicenseRequest, tx: Tx
    ) -> admin_service_pb2.VerifyLicenseResponse:
        row, store = decide_license(
            tx,
            license_id=parse_id(request.license_id, field="license_id"),
            status=LicenseStatus(admin_service_pb2.LicenseDecision.Value.Name(request.decision)),
            reason=request.reason,
        )
        return admin_service_pb2.VerifyLicenseResponse(license=license_message(row), kyc_status=store.kyc_status)

    def SetSubscriptionActive(self, request: admin_service_pb2.SetSubscriptionActiveRequest, tx: Tx) -> store_pb2.Store:
        store = set_subscription_active(
            tx,
            store_id=parse_id(request.store_id, field="store_id"),
            active=request.active,
            reason=request.reason,
        )
        return store_message(store)


def _pending(license: PendingLicense, urls: Mapping[uuid.UUID, str]) -> admin_service_pb2.PendingLicense:  # noqa: A002
    return admin_service_pb2.PendingLicense(license=license_message(license, urls), store=store_message(license.store))
