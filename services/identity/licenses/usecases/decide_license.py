"""Verify or reject a licence; the store's KYC status and the mesh's gates follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.errors import NotFound, ValidationError
from services.identity.errors import LicenseNotPending
from services.identity.licenses.data import licenses
from services.identity.licenses.domain.kyc import LicenseStatus, derive_kyc
from services.identity.notifications.domain.notice import Notice
from services.identity.notifications.usecases.notify import notify
from services.identity.sessions.usecases.end_session import outdate_sessions_of_store
from services.identity.stores.usecases.change_kyc_status import change_kyc_status
from services.identity.stores.usecases.find_store import lock_store

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.licenses.domain.license import License
    from services.identity.stores.domain.store import Store


def decide_license(tx: Tx, *, license_id: uuid.UUID, status: LicenseStatus, reason: str) -> tuple[License, Store]:
    """Decide a pending licence; returns the licence and its store.

    Raises NotFound, LicenseNotPending, and ValidationError for a rejection without a reason.
    """
    if status is LicenseStatus.REJECTED and not reason:
        raise ValidationError.of("reason", "a rejection needs a reason that the store can act on")
    before = licenses.lock(tx, license_id)
    if before is None:
        raise NotFound
    if before.status != LicenseStatus.PENDING:
        raise LicenseNotPending(state=before.status)
    store = lock_store(tx, store_id=before.store_id)
    assert store is not None, "a licence belongs to a store"
    row = licenses.decide(tx, license_id, status=status.value, reason=reason)
    tx.audit(target=license_id, before={"status": before.status}, after={"status": row.status, "reason": reason})
    tx.emit(
        events.LicenseStatusChanged(
            license_id=str(license_id), store_id=str(row.store_id), status=row.status, reason=reason
        )
    )
    _tell_store(tx, row)
    return row, _follow_licenses(tx, store)


def _follow_licenses(tx: Tx, store: Store) -> Store:
    """Derive a store's KYC status from its licences; a change is announced and outdates access tokens."""
    kyc = derive_kyc(LicenseStatus(status) for status in licenses.statuses_of_store(tx, store.id))
    if store.kyc_status == kyc:
        return store
    outdate_sessions_of_store(tx, store_id=store.id)
    return change_kyc_status(tx, store_id=store.id, kyc_status=kyc.value)


def _tell_store(tx: Tx, row: License) -> None:
    verified = row.status == LicenseStatus.VERIFIED
    notice = Notice(
        cause=f"license_{row.status}:{row.id}",
        store_id=row.store_id,
        type="compliance",
        title="Licence verified" if verified else "Licence rejected",
        message=f"Your licence {row.number} was {'verified' if verified else f'rejected: {row.reason}'}.",
        link=f"/stores/{row.store_id}/licenses/{row.id}",
    )
    notify(tx, [notice])
