"""Undoes filings of licences that nobody goes on with: a protected document must not stay attached to nothing.

The caller was told to come back and did not, or a defect kept the flow from ending until its key expires.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.errors import MeshError
from meshkit.ids import derived_id
from meshkit.obs.logging import get_logger
from services.identity.data import given_up

if TYPE_CHECKING:
    import threading

    from meshkit.db.tx import Transactions
    from services.identity.outbound.ports import LicenseDocuments

METHOD = "/marketmesh.identity.v1.LicenseService/CreateLicense"
# Callers are told to come back within seconds; the key lives for a day, so media has 23 hours to be there.
GIVEN_UP_AFTER = timedelta(hours=1)
# The row is the only record of the flow: undo before it goes.
BEFORE_EXPIRY = timedelta(hours=2)
_EVERY_SECONDS = 60.0
_BATCH = 100


@dataclass(frozen=True)
class GivenUpLicenses:
    """One per process; two at once only do work twice."""

    transactions: Transactions
    documents: LicenseDocuments

    def run(self, stop: threading.Event) -> None:
        """Undo until told to stop; what could not be undone stays taken and is tried again."""
        while not stop.wait(_EVERY_SECONDS):
            try:
                self.undo_all()
            except (MeshError, SQLAlchemyError) as error:
                get_logger().warning("licenses.given_up_not_undone", error=str(error)[:300])

    def undo_all(self) -> None:
        """Undo what is given up now. Raises DependencyUnavailable while media is away."""
        with self.transactions.write(Call()) as tx:
            flows = given_up.take(
                tx,
                method=METHOD,
                called_before=tx.now - GIVEN_UP_AFTER,
                expires_before=tx.now + BEFORE_EXPIRY,
                limit=_BATCH,
            )
        # One call to media each: the flows have nothing in common.
        for flow_id, store_id in flows:
            self._undo(flow_id, uuid.UUID(store_id))

    def _undo(self, flow_id: uuid.UUID, store_id: uuid.UUID) -> None:
        call = Call(request_id=f"undo-{flow_id.hex}")
        license_id = derived_id(flow_id, "license")
        self.documents.detach_license_document(call, license_id=license_id, store_id=store_id)
        with self.transactions.write(call) as tx:
            given_up.forget(tx, method=METHOD, flow_id=flow_id)
        get_logger().info("licenses.given_up_undone", license_id=str(license_id), store_id=str(store_id))
