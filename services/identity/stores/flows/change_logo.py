"""Show another logo of a store, or none: attach it in media, then record it. Both steps are safe to repeat.

A store has one logo, so two changes at once meet in media. Who sets out notes its flow on the store first, and only the last
one may record what it attached; whoever is late puts right what it replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.errors import NotFound, StateConflict
from meshkit.grpc.channel import RemoteRefusal
from meshkit.ids import derived_id
from services.identity.errors import MediaUnusable
from services.identity.stores.data import stores
from services.identity.stores.usecases.read_store import StoreProfile, read_my_store
from services.identity.stores.usecases.show_logo import show_logo

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.db.tx import Transactions, Tx
    from meshkit.flow import Flow
    from services.identity.outbound.ports import StoreLogos

_TRIES = 3


def change_logo(
    flow: Flow, media_id: uuid.UUID | None, *, logos: StoreLogos, respond: Callable[[StoreProfile], Message]
) -> Message:
    """Return the answer of a store that shows this logo; None is no logo.

    Raises NotFound for a foreign file, MediaUnusable, and StateConflict when somebody else set out to change the logo
    meanwhile; then attached is what the store shows.
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
        put_right(flow.transactions, flow.call, store_id=store_id, flow_id=flow.id, logos=logos)
        raise


def put_right(
    transactions: Transactions,
    call: Call,
    *,
    store_id: uuid.UUID,
    flow_id: uuid.UUID,
    logos: StoreLogos,
    only_if_held: bool = False,
) -> None:
    """Attach what the store shows; `only_if_held`, unless another flow has set out to change it since.

    Raises StateConflict while others keep changing it.
    """
    # Derived, so that the next run knows what this one had begun.
    mine = derived_id(flow_id, "undo")
    holders: set[uuid.UUID | None] | None = {flow_id, mine} if only_if_held else None
    for _ in range(_TRIES):
        with transactions.write(call) as tx:
            store = stores.lock(tx, store_id)
            if store is None or (holders is not None and store.logo_flow not in holders):
                return
            stores.claim_logo(tx, store_id, flow_id=mine)
        logos.attach_logo(call, store_id=store_id, media_id=store.logo_media_id)
        with transactions.read(call) as tx:
            store = stores.find(tx, store_id)
        if store is None or store.logo_flow == mine:
            return
        # Somebody set out after us: our file may have replaced theirs, so theirs must not be recorded as it is.
        holders = {store.logo_flow}
    raise StateConflict("The logo is being changed.", state="changing")


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
        raise StateConflict("Somebody else changes the logo of this store.", state="changing")
