"""StoreService: profiles of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import parse_id
from services.identity.api import mapping
from services.identity.usecases.read_store import read_my_store, read_public_store

if TYPE_CHECKING:
    from marketmesh.identity.v1 import store_pb2, store_service_pb2
    from meshkit.db.tx import Tx


class StoreServicer:
    """Translates; the rules are in the use cases."""

    def GetMyStore(self, request: store_service_pb2.GetMyStoreRequest, tx: Tx) -> store_pb2.Store:  # noqa: ARG002
        """See the contract."""
        return mapping.own_store_message(read_my_store(tx))

    def GetStore(self, request: store_service_pb2.GetStoreRequest, tx: Tx) -> store_pb2.PublicStore:
        """See the contract."""
        return mapping.public_store_message(
            read_public_store(tx, store_id=parse_id(request.store_id, field="store_id"))
        )
