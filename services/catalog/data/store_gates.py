"""SQL about what identity says of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.data.tables import store_gates
from services.catalog.domain.visibility import Gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def keep_newest(tx: Tx, **columns: Any) -> None:
    """Insert or replace a store's gate unless a higher version is known."""
    statement = insert(store_gates).values(columns)
    statement = statement.on_conflict_do_update(
        constraint="store_gates_pk",
        set_={name: statement.excluded[name] for name in columns if name != "store_id"},
        where=store_gates.c.version < statement.excluded.version,
    )
    tx.execute(statement)


def find(tx: Tx, store_id: uuid.UUID) -> Gate | None:
    """Return a store's gate, or None when identity has not told."""
    columns = (
        store_gates.c.type, store_gates.c.state, store_gates.c.kyc_status, store_gates.c.subscription_active,
    )  # fmt: skip
    row = tx.execute(select(*columns).where(store_gates.c.store_id == store_id)).one_or_none()
    return Gate(**row._mapping) if row else None
