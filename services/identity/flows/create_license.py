"""File a licence: attach its document in media, then record it. Both steps are safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from meshkit.grpc.channel import RemoteRefusal
from meshkit.ids import derived_id
from services.identity.data import licenses
from services.identity.errors import LicenseTaken, MediaUnusable
from services.identity.usecases.file_license import LicensePapers, file_license

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.identity.outbound.ports import LicenseDocuments


def create_license(
    flow: Flow, papers: LicensePapers, *, documents: LicenseDocuments, respond: Callable[[Any], Message]
) -> Message:
    """Return the filed licence's answer. Raises NotFound for a foreign file, MediaUnusable, LicenseTaken."""
    license_id = derived_id(flow.id, "license")
    store_id = flow.principal.require_store
    with flow.read() as tx:
        known = licenses.find(tx, license_id) is not None
        if not known and licenses.is_number_taken(tx, issuing_state=papers.issuing_state, number=papers.number):
            raise LicenseTaken(field="number")
    _attach(flow, papers, license_id, documents)
    try:
        with flow.transaction() as tx:
            return flow.complete(tx, respond(file_license(tx, papers, license_id=license_id)))
    except LicenseTaken:
        # Somebody filed the same number since the check: leave no protected file behind.
        documents.detach_license_document(flow.call, license_id=license_id, store_id=store_id)
        raise


def _attach(flow: Flow, papers: LicensePapers, license_id: Any, documents: LicenseDocuments) -> None:
    try:
        documents.attach_license_document(
            flow.call, license_id=license_id, store_id=flow.principal.require_store, media_id=papers.media_id
        )
    except RemoteRefusal as refusal:
        if refusal.code == "NOT_FOUND":
            raise NotFound from None
        raise MediaUnusable(refusal.message, state=refusal.reason) from None
