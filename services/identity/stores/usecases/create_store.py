"""Open a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.ids import new_id
from services.identity.stores.data import stores
from services.identity.stores.usecases.announce_gate import announce_gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.rows import JsonObject
    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Store


@dataclass(frozen=True)
class NewStore:
    """What its owner tells about a store."""

    type: str
    company_name: str
    dba_name: str
    phone: str
    address: JsonObject


def create_store(tx: Tx, new: NewStore, *, owner_id: uuid.UUID) -> Store:
    """Insert a store that may not trade yet, with its owner; returns the row. Announces it to the mesh."""
    store = stores.add(
        tx,
        store_id=new_id(),
        type=new.type,
        company_name=new.company_name,
        dba_name=new.dba_name,
        phone=new.phone,
        address=new.address,
    )
    stores.add_member(tx, store_id=store.id, user_id=owner_id, role="owner")
    tx.audit(target=store.id, after={"store_id": str(store.id), "user_id": str(owner_id), "type": store.type})
    tx.emit(
        events.StoreCreated(
            store_id=str(store.id),
            owner_user_id=str(owner_id),
            type=store.type,
            name=store.company_name,
            state=str(store.address["state"]),
        )
    )
    announce_gate(tx, store)
    return store
