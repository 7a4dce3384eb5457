"""File a licence: attach its document in media, then record it. Both steps are safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from meshkit.grpc.channel import RemoteRefusal
from meshkit.ids import derived_id
from services.identity.errors import LicenseTaken, MediaUnusable
from services.identity.licenses.data import licenses
from services.identity.licenses.usecases.file_license import LicensePapers, file_license

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.identity.licenses.domain.license import License
    from services.identity.outbound.ports import LicenseDocuments


def create_license(
    flow: Flow, papers: LicensePapers, *, documents: LicenseDocuments, respond: Callable[[License], Message]
) -> Message:
    """Return the filed licence's answer. Raises NotFound for a foreign file, MediaUnusable, LicenseTaken."""
    license_id = derived_id(flow.id, "license")
    store_id = flow.principal.require_store
    try:
        _require_free_number(flow, papers, license_id)
        _attach(flow, papers, license_id, documents)
        with flow.transaction() as tx:
            return flow.complete(tx, respond(file_license(tx, papers, license_id=license_id)))
    except LicenseTaken:
        # Somebody filed the number since the check, or since this flow began: leave no protected file behind.
        documents.detach_license_document(flow.call, license_id=license_id, store_id=store_id)
        raise


def _require_free_number(flow: Flow, papers: LicensePapers, license_id: uuid.UUID) -> None:
    with flow.read() as tx:
        holder = licenses.holder_of_number(tx, issuing_state=papers.issuing_state, number=papers.number)
    if holder not in (None, license_id):
        raise LicenseTaken(field="number")


def _attach(flow: Flow, papers: LicensePapers, license_id: uuid.UUID, documents: LicenseDocuments) -> None:
    try:
        documents.attach_license_document(
            flow.call, license_id=license_id, store_id=flow.principal.require_store, media_id=papers.media_id
        )
    except RemoteRefusal as refusal:
        if refusal.code == "NOT_FOUND":
            raise NotFound from None
        raise MediaUnusable(refusal.message, state=refusal.metadata.get("state", refusal.reason)) from None
