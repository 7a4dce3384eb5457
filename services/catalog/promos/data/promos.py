"""SQL about promo codes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class Promo(NamedTuple):
    """A code that makes its vendor's goods cheaper."""

    id: uuid.UUID
    store_id: uuid.UUID
    code: str
    amount_cents: int
    currency: str
    is_active: bool
    created_at: datetime


_ADD = sql(
    "INSERT INTO promos (id, store_id, code, amount_cents, currency, is_active, created_at)"
    " VALUES (:id, :store_id, :code, :amount_cents, :currency, true, :now) RETURNING {columns}",
    Promo,
)
_PAGE = """
    SELECT {columns} FROM promos
    WHERE store_id = :store_id AND (is_active OR NOT CAST(:active_only AS boolean)) %s
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""
_FIRST = sql(_PAGE % "", Promo)
_NEXT = sql(_PAGE % "AND (created_at, id) < (:after_at, :after_id)", Promo)
_LOCK = sql("SELECT {columns} FROM promos WHERE id = :promo_id AND store_id = :store_id FOR UPDATE", Promo)
_DEACTIVATE = sql("UPDATE promos SET is_active = false WHERE id = :promo_id RETURNING {columns}", Promo)


def add(tx: Tx, promo_id: uuid.UUID, *, store_id: uuid.UUID, code: str, amount_cents: int, currency: str) -> Promo:
    """Insert an active promo; returns it. Raises IntegrityError on promos_store_id_code_key."""
    values = {"id": promo_id, "store_id": store_id, "code": code, "amount_cents": amount_cents, "currency": currency}
    return tx.execute(_ADD, {**values, "now": tx.now}).one()


def page_of_store(tx: Tx, store_id: uuid.UUID, *, active_only: bool, page: Page) -> list[Promo]:
    """Return a store's promos, newest first, one more than the page."""
    parameters: dict[str, object] = {"store_id": store_id, "active_only": active_only, "limit": page.fetch}
    if page.after:
        parameters |= {"after_at": page.after.at, "after_id": page.after.id}
    return tx.execute(_NEXT if page.after else _FIRST, parameters).all()


def cursor_of(promo: Promo) -> Cursor:
    """Return the sort key of a promo."""
    return Cursor(promo.created_at, promo.id)


def lock_of_store(tx: Tx, promo_id: uuid.UUID, *, store_id: uuid.UUID) -> Promo | None:
    """Return a store's own promo and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"promo_id": promo_id, "store_id": store_id}).one_or_none()


def deactivate(tx: Tx, promo_id: uuid.UUID) -> Promo:
    """End a promo; returns it."""
    return tx.execute(_DEACTIVATE, {"promo_id": promo_id}).one()
