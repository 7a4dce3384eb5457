"""SQL about orders that wait too long, and how long each vendor lets them.

An order that somebody else holds is skipped; the next run looks at it again.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql
from services.commerce.orders.data.order_rows import OWN_COLUMNS, WHOLE_ORDERS
from services.commerce.orders.domain.lifetime import Lifetime
from services.commerce.orders.domain.order import Order
from services.commerce.orders.domain.order_state import LINE_TRANSITIONS, RECEIVED, TRANSITIONS, Action, only_target
from services.commerce.schema.base import one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.sql import Sql
    from meshkit.db.tx import Tx


class Policy(NamedTuple):
    """How long a vendor lets its orders wait, in days."""

    nudge_after_days: int
    expire_after_days: int


class DueOrder(NamedTuple):
    """An order that waits too long, and how long it may."""

    id: uuid.UUID
    status: str
    nudge_days: int
    expiry_days: int


_POLICY = sql("SELECT {columns} FROM vendor_order_policies WHERE vendor_store_id = :vendor", Policy)
_SET_POLICY = sql(
    """
    INSERT INTO vendor_order_policies (vendor_store_id, nudge_after_days, expire_after_days, updated_at)
    VALUES (:vendor, :nudge_days, :expiry_days, :now)
    ON CONFLICT ON CONSTRAINT vendor_order_policies_pk DO UPDATE SET nudge_after_days = excluded.nudge_after_days,
        expire_after_days = excluded.expire_after_days, updated_at = excluded.updated_at
    """
)
# No policy is shorter than a day, so what is younger need not be read. What is paid for needs a refund first. The statuses
# are literals: the partial index of pending orders is used only when the planner sees its own predicate.
_DUE = """
    SELECT o.id, o.status, coalesce(p.nudge_after_days, CAST(:nudge_days AS integer)) AS nudge_days,
           coalesce(p.expire_after_days, CAST(:expiry_days AS integer)) AS expiry_days
    FROM vendor_orders o LEFT JOIN vendor_order_policies p ON p.vendor_store_id = o.vendor_store_id
    WHERE {may_happen} AND NOT {paid_for}
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


def _due(action: Action, condition: str) -> str:
    may_happen, paid_for = one_of("o.status", TRANSITIONS[action]), one_of("o.payment_status", RECEIVED)
    return _DUE.format(may_happen=may_happen, paid_for=paid_for, condition=condition)


_DUE_TO_EXPIRE = sql(_due(Action.EXPIRE, _EXPIRED), DueOrder)
_DUE_TO_REMIND = sql(_due(Action.REMIND, _REMINDED), DueOrder)
_EXPIRE = sql(
    f"""
    WITH lines AS (
        UPDATE order_line_items SET status = :line_status, notes = 'order_expired', expired_at = :now
        WHERE order_id = ANY(:ids) AND status = ANY(:line_before)
    ), o AS (
        UPDATE vendor_orders SET status = :status, payment_status = 'rejected', balance_due_cents = 0,
            version = version + 1, expired_at = :now, updated_at = :now
        WHERE id = ANY(:ids) RETURNING {OWN_COLUMNS}
    ) {WHOLE_ORDERS}
    """,  # noqa: S608
    Order,
)
_REMIND = sql(
    f"""
    WITH o AS (
        UPDATE vendor_orders SET pending_nudged_at = :now, updated_at = :now WHERE id = ANY(:ids) RETURNING {OWN_COLUMNS}
    ) {WHOLE_ORDERS}
    """,  # noqa: S608
    Order,
)


def policy(tx: Tx, vendor_store_id: uuid.UUID) -> Lifetime | None:
    """Return how long a vendor lets its orders wait, or None if it never chose."""
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


def lock_expired(tx: Tx, usual: Lifetime, *, limit: int) -> list[DueOrder]:
    """Return orders whose time is over and keep them from changing until commit, the oldest first."""
    return _lock(tx, _DUE_TO_EXPIRE, usual, limit)


def lock_late(tx: Tx, usual: Lifetime, *, limit: int) -> list[DueOrder]:
    """Return orders of which the vendor is to be reminded and keep them from changing until commit."""
    return _lock(tx, _DUE_TO_REMIND, usual, limit)


def _lock(tx: Tx, statement: Sql[DueOrder], usual: Lifetime, limit: int) -> list[DueOrder]:
    parameters = {
        "nudge_days": usual.nudge_days,
        "expiry_days": usual.expiry_days,
        "now": tx.now,
        "limit": limit,
    }
    return tx.execute(statement, parameters).all()


def expire(tx: Tx, order_ids: Sequence[uuid.UUID]) -> list[Order]:
    """Let locked orders and their lines expire; returns the orders, which keep what they would have cost."""
    line_moves = LINE_TRANSITIONS[Action.EXPIRE]
    parameters = {
        "ids": list(order_ids),
        "status": only_target(TRANSITIONS[Action.EXPIRE]).value,
        "line_before": [each.value for each in line_moves],
        "line_status": only_target(line_moves).value,
        "now": tx.now,
    }
    return tx.execute(_EXPIRE, parameters).all()


def remind(tx: Tx, order_ids: Sequence[uuid.UUID]) -> list[Order]:
    """Note that the vendors of locked orders are reminded; returns the orders. Nothing that others know of them changes."""
    return tx.execute(_REMIND, {"ids": list(order_ids), "now": tx.now}).all()
