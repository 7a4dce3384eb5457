"""SQL about what identity says of stores."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from meshkit.db.rows import columns_of
from services.ads.schema import store_gates

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class StoreGate(NamedTuple):
    """What a store may do."""

    type: str
    state: str
    kyc_status: str
    subscription_active: bool


def upsert(tx: Tx, **columns: object) -> None:
    """Insert or replace a store's gate; an older version changes nothing."""
    statement = insert(store_gates).values(columns)
    tx.execute(
        statement.on_conflict_do_update(
            constraint="store_gates_pk", set_=columns, where=store_gates.c.version < columns["version"]
        )
    )


def find(tx: Tx, store_id: uuid.UUID) -> StoreGate | None:
    """Return a store's gate, or None."""
    statement = select(*columns_of(store_gates, StoreGate)).where(store_gates.c.store_id == store_id)
    return tx.fetch(statement, StoreGate).one_or_none()
