"""Undoes filings of licences that were given up half-way: their protected documents must not stay attached to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.given_up import GivenUpFlows
from meshkit.ids import derived_id

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from meshkit.idempotency import GivenUp
    from services.identity.outbound.ports import LicenseDocuments

METHOD = "/marketmesh.identity.v1.LicenseService/CreateLicense"


def given_up_licenses(transactions: Transactions, documents: LicenseDocuments) -> GivenUpFlows:
    """Return the sweep."""

    def detach(call: Call, flow: GivenUp) -> None:
        license_id = derived_id(flow.flow_id, "license")
        documents.detach_license_document(call, license_id=license_id, store_id=flow.store_id)

    return GivenUpFlows(transactions, {METHOD: detach})
