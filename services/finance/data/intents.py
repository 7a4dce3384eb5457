"""SQL about payment intents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_, update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.finance.data.tables import payment_intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_ADD = sql(
    insert_rows(
        payment_intents,
        (
            "id",
            "order_id",
            "order_number",
            "order_version",
            "order_status",
            "buyer_store_id",
            "vendor_store_id",
            "vendor_store_name",
            "method",
            "status",
            "amount_cents",
            "fee_basis_points",
            "fee_cents",
            "currency",
        ),
        constants="failure_reason = '', created_at = :now",
        on_conflict="payment_intents_order_id_key",
    )
)


def add(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert orders' intents; a second one for the same order changes nothing."""
    tx.execute(_ADD, {"rows": to_json(rows), "now": tx.now})


def lock_by_order(tx: Tx, order_id: uuid.UUID) -> Any | None:
    """Return an order's intent and keep it from changing until commit, or None."""
    statement = select(payment_intents).where(payment_intents.c.order_id == order_id).with_for_update()
    return tx.execute(statement).one_or_none()


def change(tx: Tx, intent_id: uuid.UUID, **columns: Any) -> Any:
    """Set columns of a locked intent; returns the row."""
    statement = (
        update(payment_intents).where(payment_intents.c.id == intent_id).values(**columns).returning(payment_intents)
    )
    return tx.execute(statement).one()


def page_of_payouts(tx: Tx, page: Page) -> Sequence[Any]:
    """Return intents whose vendor can be paid, oldest delivery first, one more than the page."""
    statement = select(payment_intents).where(
        payment_intents.c.status == "settled", payment_intents.c.delivered_at.is_not(None)
    )
    if page.after:
        key = tuple_(payment_intents.c.delivered_at, payment_intents.c.id)
        statement = statement.where(key > (page.after.at, page.after.id))
    statement = statement.order_by(payment_intents.c.delivered_at, payment_intents.c.id).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def payout_cursor(row: Any) -> Cursor:
    """Return the sort key of the payout queue."""
    return Cursor(row.delivered_at, row.id)
