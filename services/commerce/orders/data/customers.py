"""SQL about the stores that buy from a vendor: read from its orders, so that there is nothing to keep in step."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.searching import contains
from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class Customer(NamedTuple):
    """A buyer with its last order at a vendor."""

    buyer_store_id: uuid.UUID
    buyer_store_name: str
    id: uuid.UUID
    order_number: int
    status: str
    created_at: datetime


class CustomerTotal(NamedTuple):
    """What a buyer ordered and paid at a vendor in one currency."""

    buyer_store_id: uuid.UUID
    currency: str
    orders: int
    first_order_at: datetime
    paid_orders: int
    spent_cents: int


# A vendor's orders from the newest on; an order is kept if it is its buyer's newest one. The comparison is wrapped in coalesce
# because the planner would expect a plain equality to pass hardly any order, and would read and sort all of them for a page.
_PAGE = sql(
    rf"""
    SELECT {{o.columns}}
    FROM vendor_orders o
    CROSS JOIN LATERAL (
        SELECT n.id FROM vendor_orders n
        WHERE n.vendor_store_id = CAST(:vendor AS uuid) AND n.buyer_store_id = o.buyer_store_id
        ORDER BY n.created_at DESC, n.id DESC LIMIT 1
    ) AS newest
    WHERE o.vendor_store_id = CAST(:vendor AS uuid) AND coalesce(newest.id = o.id, false)
      AND (CAST(:name AS text) = '' OR {contains("o.buyer_store_name", ":name")})
      AND (CAST(:at AS timestamptz) IS NULL OR (o.created_at, o.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY o.created_at DESC, o.id DESC LIMIT CAST(:limit AS integer)
    """,  # noqa: S608
    Customer,
)
# Settlements are looked up order by order: joined, all of them would be read for the few orders of a page's customers.
_TOTALS = sql(
    """
    SELECT buyer_store_id, currency, count(*) AS orders, min(created_at) AS first_order_at,
           count(*) FILTER (WHERE payment_status IN ('settled', 'paid')) AS paid_orders,
           CAST(coalesce(sum(total_cents - coalesce(
               (SELECT s.refunded_cents FROM order_settlements s WHERE s.order_id = o.id), 0))
               FILTER (WHERE payment_status IN ('settled', 'paid')), 0) AS bigint) AS spent_cents
    FROM vendor_orders o
    WHERE vendor_store_id = CAST(:vendor AS uuid) AND buyer_store_id = ANY(CAST(:buyers AS uuid[]))
    GROUP BY buyer_store_id, currency ORDER BY buyer_store_id, currency
    """,
    CustomerTotal,
)


def page_of(tx: Tx, vendor_store_id: uuid.UUID, page: Page, *, name: str) -> list[Customer]:
    """Return a vendor's buyers with their last orders, who ordered last first, one more than the page."""
    parameters = {
        "vendor": vendor_store_id,
        "name": name,
        "at": page.after.at if page.after else None,
        "id": page.after.id if page.after else None,
        "limit": page.fetch,
    }
    return tx.execute(_PAGE, parameters).all()


def totals_of(tx: Tx, vendor_store_id: uuid.UUID, buyers: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[CustomerTotal]]:
    """Return what each of some buyers ordered and paid at a vendor, by currency."""
    found: dict[uuid.UUID, list[CustomerTotal]] = {buyer: [] for buyer in buyers}
    for total in tx.execute(_TOTALS, {"vendor": vendor_store_id, "buyers": list(buyers)}):
        found[total.buyer_store_id].append(total)
    return found


def cursor_of(customer: Customer) -> Cursor:
    """Return the sort key of a customer: its last order's."""
    return Cursor(customer.created_at, customer.id)
