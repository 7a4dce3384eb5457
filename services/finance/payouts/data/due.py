"""SQL about intents whose vendor can be paid."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.sql import sql
from services.finance.payments.domain.intent import Intent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class ChosenIntent(NamedTuple):
    """An intent that can be paid, whether its vendor has more of them than fit into a run, and what is due to it for all of them."""

    id: uuid.UUID
    is_part: bool
    whole_cents: Decimal


class DueShare(NamedTuple):
    """What is due to a vendor in a currency, less what it owes us."""

    vendor_store_id: uuid.UUID
    currency: str
    amount_cents: Decimal


# Scalar subqueries, so that Postgres walks the index of what is due and looks each up by its key; a join might read all the
# cash that there has ever been.
_IS_DUE = """
    i.status = 'settled' AND i.delivered_at IS NOT NULL AND i.payout_id IS NULL
    AND (SELECT h.intent_id FROM payout_holds h WHERE h.intent_id = i.id) IS NULL
    AND (SELECT c.mismatch_id FROM cash_custodies c WHERE c.intent_id = i.id) IS NULL
    AND (NOT CAST(:counted_only AS boolean) OR i.method <> 'cash'
         OR (SELECT c.counted_at FROM cash_custodies c WHERE c.intent_id = i.id) IS NOT NULL)
"""
# What is due to each vendor in each currency, less what it owes us. The sum is over all of it, so all of it is read.
_SHARES = f"""
    WITH due AS MATERIALIZED (
        SELECT i.id, i.vendor_store_id, i.currency, i.delivered_at,
               i.amount_cents - i.fee_cents - i.payable_refunded_cents AS cents
        FROM payment_intents i
        WHERE {_IS_DUE} AND (CAST(:vendor AS uuid) IS NULL OR i.vendor_store_id = CAST(:vendor AS uuid))
    ), gross AS (
        SELECT vendor_store_id, currency, count(*) AS intents, min(delivered_at) AS since, sum(cents) AS cents
        FROM due GROUP BY vendor_store_id, currency
    ), shares AS (
        SELECT g.vendor_store_id, g.currency, g.intents, g.since, g.cents - least(g.cents, greatest(0, (
            SELECT sum(p.amount_cents) FROM accounts a JOIN postings p ON p.account_id = a.id
            WHERE a.kind = 'vendor_receivable' AND a.owner_id = g.vendor_store_id AND a.currency = g.currency
        ))) AS amount_cents
        FROM gross g
    )
"""  # noqa: S608
# Whole vendors as far as they fit, so that none is paid in parts that are too small. The first one is cut if it alone does
# not fit: it would never be paid otherwise.
_CHOOSE = sql(
    f"""
    {_SHARES}, turns AS (
        SELECT vendor_store_id, currency, intents, amount_cents, sum(intents) OVER (ORDER BY since, vendor_store_id, currency) AS so_far
        FROM shares WHERE amount_cents = 0 OR amount_cents >= CAST(:minimum AS bigint)
    )
    SELECT d.id, t.intents > CAST(:limit AS bigint) AS is_part, t.amount_cents AS whole_cents
    FROM due d JOIN turns t ON t.vendor_store_id = d.vendor_store_id AND t.currency = d.currency
    WHERE t.so_far <= CAST(:limit AS bigint) OR t.so_far = t.intents
    ORDER BY d.delivered_at, d.id LIMIT CAST(:limit AS bigint)
    """,  # noqa: S608
    ChosenIntent,
)
_LEFT = sql(
    f"{_SHARES} SELECT {{columns}} FROM shares ORDER BY since, vendor_store_id, currency",  # noqa: S608
    DueShare,
)
_STILL_DUE = sql(
    f"SELECT i.id FROM payment_intents i WHERE i.id = ANY(CAST(:ids AS uuid[])) AND {_IS_DUE}",  # noqa: S608
    uuid.UUID,
)
_PAGE = sql(
    f"""
    SELECT {{columns}} FROM payment_intents i
    WHERE {_IS_DUE}
      AND (CAST(:at AS timestamptz) IS NULL OR (i.delivered_at, i.id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY i.delivered_at, i.id LIMIT :limit
    """,  # noqa: S608
    Intent,
)


def choose(
    tx: Tx, *, vendor_store_id: uuid.UUID | None, counted_only: bool, minimum_cents: int, limit: int
) -> list[ChosenIntent]:
    """Return intents that can be paid, of vendors who get nothing or the minimum for all of theirs together.

    Whoever has waited longest comes first. None of them is locked.
    """
    terms = {"counted_only": counted_only, "minimum": minimum_cents}
    return tx.execute(_CHOOSE, {"vendor": vendor_store_id, "limit": limit, **terms}).all()


def left(tx: Tx, *, vendor_store_id: uuid.UUID | None, counted_only: bool) -> list[DueShare]:
    """Return what is due to one vendor or to all, in each currency. Whoever has waited longest comes first."""
    return tx.execute(_LEFT, {"vendor": vendor_store_id, "counted_only": counted_only}).all()


def still_due(tx: Tx, intent_ids: Sequence[uuid.UUID], *, counted_only: bool) -> set[uuid.UUID]:
    """Return which of locked intents can be paid."""
    return set(tx.execute(_STILL_DUE, {"ids": list(intent_ids), "counted_only": counted_only}))


def page_of(tx: Tx, page: Page, *, counted_only: bool) -> list[Intent]:
    """Return intents that can be paid, oldest delivery first, one more than the page."""
    after = {"at": page.after.at if page.after else None, "id": page.after.id if page.after else None}
    return tx.execute(_PAGE, {"counted_only": counted_only, "limit": page.fetch, **after}).all()


def cursor(intent: Intent) -> Cursor:
    """Return the sort key of intents that can be paid."""
    assert intent.delivered_at is not None, "what is due was delivered"
    return Cursor(intent.delivered_at, intent.id)
