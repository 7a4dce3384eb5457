"""SQL about promo codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from meshkit.cursor import Cursor
from meshkit.db.sql import sql
from services.catalog.schema import promos

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_COLUMNS = "id, store_id, code, amount_cents, currency, is_active, created_at"
_PAGE = f"""
    SELECT {_COLUMNS} FROM promos
    WHERE store_id = :store_id AND (is_active OR NOT CAST(:active_only AS boolean)) {{after}}
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""  # noqa: S608
_FIRST = sql(_PAGE.format(after=""))
_NEXT = sql(_PAGE.format(after="AND (created_at, id) < (:after_at, :after_id)"))
_LOCK = sql(f"SELECT {_COLUMNS} FROM promos WHERE id = :promo_id AND store_id = :store_id FOR UPDATE")  # noqa: S608
_DEACTIVATE = sql(f"UPDATE promos SET is_active = false WHERE id = :promo_id RETURNING {_COLUMNS}")  # noqa: S608


def add(tx: Tx, **columns: Any) -> Any:
    """Insert an active promo; returns the row. Raises IntegrityError on promos_store_id_code_key."""
    values = {"is_active": True, "created_at": tx.now, **columns}
    return tx.execute(insert(promos).values(values).returning(promos)).one()


def page_of_store(tx: Tx, store_id: uuid.UUID, *, active_only: bool, page: Page) -> Sequence[Any]:
    """Return a store's promos, newest first, one more than the page."""
    parameters: dict[str, Any] = {"store_id": store_id, "active_only": active_only, "limit": page.fetch}
    if page.after:
        parameters |= {"after_at": page.after.at, "after_id": page.after.id}
    rows: Sequence[Any] = tx.execute(_NEXT if page.after else _FIRST, parameters).all()
    return rows


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of a promo."""
    return Cursor(row.created_at, row.id)


def lock_of_store(tx: Tx, promo_id: uuid.UUID, *, store_id: uuid.UUID) -> Any | None:
    """Return a store's own promo and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"promo_id": promo_id, "store_id": store_id}).one_or_none()


def deactivate(tx: Tx, promo_id: uuid.UUID) -> Any:
    """End a promo; returns the row."""
    return tx.execute(_DEACTIVATE, {"promo_id": promo_id}).one()
