"""SQL about what identity says of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.analytics.schema import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def upsert(tx: Tx, *, store_id: uuid.UUID, subscription_active: bool, version: int) -> None:
    """Insert or replace a store's gate; an older version changes nothing."""
    columns = {"subscription_active": subscription_active, "version": version}
    tx.execute(
        insert(store_gates)
        .values(store_id=store_id, **columns)
        .on_conflict_do_update(constraint="store_gates_pk", set_=columns, where=store_gates.c.version < version)
    )


def is_subscribed(tx: Tx, store_id: uuid.UUID) -> bool:
    """Return whether a store's subscription counts as active."""
    statement = select(store_gates.c.subscription_active).where(store_gates.c.store_id == store_id)
    return bool(tx.execute(statement).scalar_one_or_none())
