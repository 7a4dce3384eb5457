"""SQL about intents whose vendor can be paid."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.cursor import Cursor
from meshkit.db.sql import sql
from services.finance.payments.domain.intent import Intent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

# Scalar subqueries, so that Postgres walks the index of what is due and looks each up by its key; a join might read all the
# cash that there has ever been.
_IS_DUE = """
    i.status = 'settled' AND i.delivered_at IS NOT NULL AND i.payout_id IS NULL
    AND (SELECT h.intent_id FROM payout_holds h WHERE h.intent_id = i.id) IS NULL
    AND (SELECT c.mismatch_id FROM cash_custodies c WHERE c.intent_id = i.id) IS NULL
    AND (NOT CAST(:counted_only AS boolean) OR i.method <> 'cash'
         OR (SELECT c.counted_at FROM cash_custodies c WHERE c.intent_id = i.id) IS NOT NULL)
"""
_CHOOSE = sql(
    f"""
    SELECT i.id FROM payment_intents i
    WHERE {_IS_DUE} AND (CAST(:vendor AS uuid) IS NULL OR i.vendor_store_id = CAST(:vendor AS uuid))
    ORDER BY i.delivered_at, i.id LIMIT :limit
    """,  # noqa: S608
    uuid.UUID,
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


def choose(tx: Tx, *, vendor_store_id: uuid.UUID | None, counted_only: bool, limit: int) -> list[uuid.UUID]:
    """Return intents that can be paid, of one vendor or of all, the oldest deliveries first. None of them is locked."""
    parameters = {"vendor": vendor_store_id, "counted_only": counted_only, "limit": limit}
    return tx.execute(_CHOOSE, parameters).all()


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
