"""SQL about what finance announced of an order's money after it was placed.

Written while the order is locked. News that is older than what is known changes nothing, so each function returns whether it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx

# Sums only grow.
_NOTE_REFUND = sql(
    """
    INSERT INTO order_settlements AS known (order_id, refunded_cents, credited_cents)
    SELECT :order_id, CAST(:refunded AS bigint), CAST(:credited AS bigint) WHERE CAST(:refunded AS bigint) > 0
    ON CONFLICT ON CONSTRAINT order_settlements_pk DO UPDATE SET refunded_cents = excluded.refunded_cents,
        credited_cents = excluded.credited_cents
    WHERE known.refunded_cents < excluded.refunded_cents
    """
)
# After a payout that came back the next one counts from then on, before it only a later one.
_NOTE_PAYOUT = sql(
    """
    INSERT INTO order_settlements AS known (order_id, vendor_paid_at) VALUES (:order_id, :paid_at)
    ON CONFLICT ON CONSTRAINT order_settlements_pk DO UPDATE SET vendor_paid_at = excluded.vendor_paid_at,
        payout_returned_at = NULL
    WHERE CASE WHEN known.payout_returned_at IS NOT NULL THEN known.payout_returned_at <= excluded.vendor_paid_at
               ELSE known.vendor_paid_at IS NULL OR known.vendor_paid_at < excluded.vendor_paid_at END
    """
)
_NOTE_RETURN = sql(
    """
    INSERT INTO order_settlements AS known (order_id, payout_returned_at) VALUES (:order_id, :returned_at)
    ON CONFLICT ON CONSTRAINT order_settlements_pk DO UPDATE SET payout_returned_at = excluded.payout_returned_at
    WHERE (known.vendor_paid_at IS NULL OR known.vendor_paid_at <= excluded.payout_returned_at)
        AND known.payout_returned_at IS DISTINCT FROM excluded.payout_returned_at
    """
)


def note_refund(tx: Tx, order_id: uuid.UUID, *, refunded_cents: int, credited_cents: int) -> bool:
    """Keep what went back to the buyer so far, and how much of it never was paid; False unless it is more than is known."""
    parameters = {"order_id": order_id, "refunded": refunded_cents, "credited": credited_cents}
    return tx.execute(_NOTE_REFUND, parameters).rowcount == 1


def note_payout(tx: Tx, order_id: uuid.UUID, *, paid_at: datetime) -> bool:
    """Keep when the vendor was paid, in place of an earlier payout and its return; False if a later one is known."""
    return tx.execute(_NOTE_PAYOUT, {"order_id": order_id, "paid_at": paid_at}).rowcount == 1


def note_return(tx: Tx, order_id: uuid.UUID, *, returned_at: datetime) -> bool:
    """Keep when the payout came back; False if that is known, or the vendor was paid again since."""
    return tx.execute(_NOTE_RETURN, {"order_id": order_id, "returned_at": returned_at}).rowcount == 1
