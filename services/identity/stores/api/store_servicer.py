"""StoreService: profiles of stores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from meshkit.ids import parse_id
from services.identity.stores.api import mapping
from services.identity.stores.flows.change_logo import change_logo
from services.identity.stores.usecases.read_store import read_my_store, read_store
from services.identity.stores.usecases.sign_logo import sign_logo

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from marketmesh.identity.v1 import store_pb2, store_service_pb2
    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.identity.outbound.ports import StoreLogos


@dataclass(frozen=True)
class StoreServicer:
    """Translates; the rules are in the use cases."""

    logos: StoreLogos

    def GetMyStore(self, request: store_service_pb2.GetMyStoreRequest, tx: Tx) -> store_pb2.Store:  # noqa: ARG002
        profile = read_my_store(tx)
        return mapping.own_store_message(profile, logo_url=sign_logo(tx, profile.store, logos=self.logos))

    def GetStore(self, request: store_service_pb2.GetStoreRequest, tx: Tx) -> store_pb2.PublicStore:
        profile = read_store(tx, store_id=parse_id(request.store_id, field="store_id"))
        return mapping.public_store_message(profile, logo_url=sign_logo(tx, profile.store, logos=self.logos))

    def SetStoreLogo(self, request: store_service_pb2.SetStoreLogoRequest, flow: Flow) -> Message:
        return self._change_logo(flow, parse_id(request.media_id, field="media_id"))

    def RemoveStoreLogo(self, request: store_service_pb2.RemoveStoreLogoRequest, flow: Flow) -> Message:  # noqa: ARG002
        return self._change_logo(flow, None)

    def _change_logo(self, flow: Flow, media_id: uuid.UUID | None) -> Message:
        # No URL: media is not asked inside a transaction, and a stored answer may be older than the URL lives.
        return change_logo(flow, media_id, logos=self.logos, respond=partial(mapping.own_store_message, logo_url=""))
