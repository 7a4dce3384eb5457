"""SQL about what identity says of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.ads.schema import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def upsert(tx: Tx, **columns: Any) -> None:
    """Insert or replace a store's gate; an older version changes nothing."""
    statement = insert(store_gates).values(columns)
    tx.execute(
        statement.on_conflict_do_update(
            constraint="store_gates_pk", set_=columns, where=store_gates.c.version < columns["version"]
        )
    )


def find(tx: Tx, store_id: uuid.UUID) -> Any | None:
    """Return a store's gate, or None."""
    return tx.execute(select(store_gates).where(store_gates.c.store_id == store_id)).one_or_none()
