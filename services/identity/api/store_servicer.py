"""StoreService: the caller's own store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.api import mapping
from services.identity.usecases.read_store import read_store

if TYPE_CHECKING:
    from marketmesh.identity.v1 import store_pb2, store_service_pb2
    from meshkit.db.tx import Tx


class StoreServicer:
    """Translates; the rules are in the use cases."""

    def GetMyStore(self, request: store_service_pb2.GetMyStoreRequest, tx: Tx) -> store_pb2.Store:  # noqa: ARG002
        """See the contract."""
        return mapping.store_message(read_store(tx, store_id=tx.principal.require_store))
