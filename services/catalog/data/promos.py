"""SQL about promo codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, tuple_

from services.catalog.data.tables import promos

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def add(tx: Tx, **columns: Any) -> Any:
    """Insert an active promo; returns the row. Raises IntegrityError on promos_store_id_code_key."""
    values = {"is_active": True, "created_at": tx.now, **columns}
    return tx.execute(insert(promos).values(values).returning(promos)).one()


def active(tx: Tx, wanted: Sequence[tuple[uuid.UUID, str]]) -> Sequence[Any]:
    """Return those of the (store, code) pairs that are active promos."""
    statement = (
        select(promos)
        .where(tuple_(promos.c.store_id, promos.c.code).in_(wanted), promos.c.is_active)
        .order_by(promos.c.store_id, promos.c.code)
    )
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows
