"""Show another logo of a store, or none: attach it in media, then record it. Both steps are safe to repeat.

A store has one logo, so two changes at once meet in media. Each notes its flow on the store before it begins, and only the one that
began last may record what it attached; the other restores what the store shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.errors import NotFound, StateConflict
from meshkit.grpc.channel import RemoteRefusal
from services.identity.errors import MediaUnusable
from services.identity.stores.data import stores
from services.identity.stores.flows.restore_logo import restore_logo
from services.identity.stores.usecases.read_store import StoreProfile, read_my_store
from services.identity.stores.usecases.show_logo import show_logo

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.identity.outbound.ports import StoreLogos


def change_logo(
    flow: Flow, media_id: uuid.UUID | None, *, logos: StoreLogos, respond: Callable[[StoreProfile], Message]
) -> Message:
    """Return the answer of a store that shows this logo; None is no logo.

    Raises NotFound for a foreign file, MediaUnusable, and StateConflict when another call began to change the logo
    meanwhile; then the one that the store shows is attached again.
    """
    store_id = flow.principal.require_store
    with flow.transaction() as tx:
        if stores.lock(tx, store_id) is None:
            raise NotFound
        stores.claim_logo(tx, store_id, flow_id=flow.id)
    _attach(flow.call, store_id, media_id, logos)
    try:
        with flow.transaction() as tx:
            _check_still_ours(tx, store_id, flow)
            show_logo(tx, media_id=media_id)
            return flow.complete(tx, respond(read_my_store(tx)))
    except StateConflict:
        restore_logo(flow.transactions, flow.call, store_id=store_id, flow_id=flow.id, logos=logos)
        raise


def _attach(call: Call, store_id: uuid.UUID, media_id: uuid.UUID | None, logos: StoreLogos) -> None:
    try:
        logos.attach_logo(call, store_id=store_id, media_id=media_id)
    except RemoteRefusal as refusal:
        if refusal.code == "NOT_FOUND":
            raise NotFound from None
        raise MediaUnusable(refusal.message, state=refusal.metadata.get("state", refusal.reason)) from None


def _check_still_ours(tx: Tx, store_id: uuid.UUID, flow: Flow) -> None:
    store = stores.lock(tx, store_id)
    if store is None:
        raise NotFound
    if store.logo_flow != flow.id:
        raise StateConflict("Another call is changing the logo of this store.", state="changing")
