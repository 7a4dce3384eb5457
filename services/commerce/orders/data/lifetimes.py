"""SQL about orders that wait too long, and how long each vendor lets them.

Whoever looks takes what nobody else holds: a busy order is looked at again at the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.db.sql import sql
from services.commerce.orders.domain.lifetime import Lifetime

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

_POLICY = sql("SELECT nudge_after_days, expire_after_days FROM vendor_order_policies WHERE vendor_store_id = :vendor")
_SET_POLICY = sql(
    """
    INSERT INTO vendor_order_policies (vendor_store_id, nudge_after_days, expire_after_days, updated_at)
    VALUES (:vendor, :nudge_days, :expiry_days, :now)
    ON CONFLICT ON CONSTRAINT vendor_order_policies_pk DO UPDATE SET nudge_after_days = excluded.nudge_after_days,
        expire_after_days = excluded.expire_after_days, updated_at = excluded.updated_at
    """
)
# No policy is shorter than a day, so the index leaves out what is younger. What is paid for needs a refund first.
_DUE = """
    SELECT o.id, coalesce(p.nudge_after_days, CAST(:nudge_days AS integer)) AS nudge_days,
           coalesce(p.expire_after_days, CAST(:expiry_days AS integer)) AS expiry_days
    FROM vendor_orders o LEFT JOIN vendor_order_policies p ON p.vendor_store_id = o.vendor_store_id
    WHERE o.status = 'created_pending' AND o.payment_status NOT IN ('settled', 'paid')
      AND o.created_at <= CAST(:now AS timestamptz) - interval '24 hours'
      AND {condition}
    ORDER BY o.created_at, o.id LIMIT :limit FOR UPDATE OF o SKIP LOCKED
"""
_AGE = "CAST(:now AS timestamptz) - o.created_at"
_EXPIRED = f"{_AGE} >= interval '24 hours' * coalesce(p.expire_after_days, CAST(:expiry_days AS integer))"
_REMINDED = (
    f"o.pending_nudged_at IS NULL AND NOT {_EXPIRED}"
    f" AND {_AGE} >= interval '24 hours' * coalesce(p.nudge_after_days, CAST(:nudge_days AS integer))"
)
_DUE_TO_EXPIRE = sql(_DUE.format(condition=_EXPIRED))
_DUE_TO_REMIND = sql(_DUE.format(condition=_REMINDED))
_EXPIRE = sql(
    """
    WITH lines AS (
        UPDATE order_line_items SET status = 'rejected', notes = 'order_expired', expired_at = :now
        WHERE order_id = ANY(:ids) AND status <> 'rejected'
    )
    UPDATE vendor_orders SET status = 'expired', payment_status = 'rejected', balance_due_cents = 0,
        version = version + 1, expired_at = :now, updated_at = :now
    WHERE id = ANY(:ids) RETURNING *
    """
)
_REMIND = sql("UPDATE vendor_orders SET pending_nudged_at = :now, updated_at = :now WHERE id = ANY(:ids) RETURNING *")


def policy(tx: Tx, vendor_store_id: uuid.UUID) -> Lifetime | None:
    """Return how long a vendor lets its orders wait, or None if it never said."""
    row = tx.execute(_POLICY, {"vendor": vendor_store_id}).one_or_none()
    return Lifetime(*row) if row else None


def set_policy(tx: Tx, vendor_store_id: uuid.UUID, lifetime: Lifetime) -> None:
    """Keep how long a vendor lets its orders wait."""
    tx.execute(
        _SET_POLICY,
        {
            "vendor": vendor_store_id,
            "nudge_days": lifetime.nudge_days,
            "expiry_days": lifetime.expiry_days,
            "now": tx.now,
        },
    )


def lock_expired(tx: Tx, usual: Lifetime, *, limit: int) -> dict[uuid.UUID, Lifetime]:
    """Return orders whose time is over and keep them from changing until commit, the oldest first."""
    return _lock(tx, _DUE_TO_EXPIRE, usual, limit)


def lock_late(tx: Tx, usual: Lifetime, *, limit: int) -> dict[uuid.UUID, Lifetime]:
    """Return orders of which the vendor is to be reminded and keep them from changing until commit."""
    return _lock(tx, _DUE_TO_REMIND, usual, limit)


def _lock(tx: Tx, statement: Any, usual: Lifetime, limit: int) -> dict[uuid.UUID, Lifetime]:
    parameters = {
        "nudge_days": usual.nudge_days,
        "expiry_days": usual.expiry_days,
        "now": tx.now,
        "limit": limit,
    }
    return {row.id: Lifetime(row.nudge_days, row.expiry_days) for row in tx.execute(statement, parameters)}


def expire(tx: Tx, order_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Give locked orders and their lines up; returns the orders' rows, which keep what they would have cost."""
    rows: Sequence[Any] = tx.execute(_EXPIRE, {"ids": list(order_ids), "now": tx.now}).all()
    return rows


def remind(tx: Tx, order_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Mark locked orders as reminded of; returns their rows. Nothing that others know of them changes."""
    rows: Sequence[Any] = tx.execute(_REMIND, {"ids": list(order_ids), "now": tx.now}).all()
    return rows
