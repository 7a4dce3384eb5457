"""Record a licence whose document is attached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.db.engine import constraint_of
from services.identity.errors import LicenseTaken
from services.identity.licenses.data import licenses
from services.identity.notifications.domain.notice import Notice
from services.identity.notifications.usecases.notify import notify
from services.identity.stores.usecases.find_store import find_store

if TYPE_CHECKING:
    import uuid
    from datetime import date

    from meshkit.db.tx import Tx
    from services.identity.licenses.domain.license import License


@dataclass(frozen=True)
class LicensePapers:
    """What the document says."""

    media_id: uuid.UUID
    issuing_state: str
    issue_date: date | None
    expiration_date: date | None
    type: str
    number: str


def file_license(tx: Tx, papers: LicensePapers, *, license_id: uuid.UUID) -> License:
    """Insert the pending licence, tell the mesh and the administrators. Raises LicenseTaken."""
    store_id = tx.principal.require_store
    known = licenses.find(tx, license_id)
    if known is not None:
        return known
    try:
        row = licenses.add(
            tx, license_id=license_id, store_id=store_id, user_id=tx.principal.require_user, **vars(papers)
        )
    except IntegrityError as error:
        if constraint_of(error) in licenses.NUMBER_KEYS:
            raise LicenseTaken(field="number") from None
        raise
    tx.audit(target=license_id, after={"status": row.status, "number": row.number, "state": row.issuing_state})
    tx.emit(events.LicenseCreated(license_id=str(license_id), store_id=str(store_id), media_id=str(papers.media_id)))
    store = find_store(tx, store_id=store_id)
    notice = Notice(
        cause=f"license_created:{license_id}",
        store_id=None,
        type="compliance",
        title="Licence to verify",
        message=f"{store.company_name if store else 'A store'} filed a {row.type} licence of {row.issuing_state}.",
        link=f"/admin/licenses/{license_id}",
    )
    notify(tx, [notice])
    return row
