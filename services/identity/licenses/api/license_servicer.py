"""LicenseService: licences of the caller's store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from marketmesh.identity.v1 import license_pb2, license_service_pb2
from meshkit.cursor import Page
from meshkit.errors import ValidationError
from meshkit.ids import parse_id
from services.identity.licenses.api import mapping
from services.identity.licenses.flows.create_license import create_license
from services.identity.licenses.usecases.file_license import LicensePapers
from services.identity.licenses.usecases.list_licenses import list_licenses
from services.identity.licenses.usecases.sign_documents import sign_documents

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.identity.outbound.ports import LicenseDocuments


@dataclass(frozen=True)
class LicenseServicer:
    """Translates; the rules are in the use cases."""

    documents: LicenseDocuments

    def CreateLicense(self, request: license_service_pb2.CreateLicenseRequest, flow: Flow) -> Message:
        papers = LicensePapers(
            media_id=parse_id(request.media_id, field="media_id"),
            issuing_state=request.issuing_state,
            issue_date=_day(request.issue_date, "issue_date"),
            expiration_date=_day(request.expiration_date, "expiration_date"),
            type=license_pb2.LicenseType.Value.Name(request.type),
            number=request.number,
        )
        return create_license(flow, papers, documents=self.documents, respond=mapping.license_message)

    def ListLicenses(
        self, request: license_service_pb2.ListLicensesRequest, tx: Tx
    ) -> license_service_pb2.ListLicensesResponse:
        page = Page.of(request)
        rows, following = list_licenses(tx, store_id=tx.principal.require_store, page=page)
        urls = sign_documents(tx, rows, documents=self.documents)
        return license_service_pb2.ListLicensesResponse(
            items=[mapping.license_message(row, urls) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValidationError.of(field, "is not a calendar day YYYY-MM-DD") from None
