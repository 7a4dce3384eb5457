"""What becomes of an order's columns besides its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.domain.order_state import HoldReason, LineStatus, PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.commerce.orders.domain.order import Line


def rejected_columns() -> dict[str, object]:
    """Return what an order becomes when none of its lines is left: it costs nothing and nothing is to be paid."""
    return {
        "hold_reason": None,
        "held_status": None,
        "held_reason": None,
        "payment_status": PaymentStatus.REJECTED.value,
        "subtotal_cents": 0,
        "discount_cents": 0,
        "transport_fee_cents": 0,
        "tax_cents": 0,
        "total_cents": 0,
        "balance_due_cents": 0,
    }


def packed_columns(lines: Sequence[Line], *, now: datetime) -> dict[str, object]:
    """Return what an order becomes when its accepted lines are packed; `lines` are those of before."""
    is_whole = all(line.status != LineStatus.REJECTED for line in lines)
    return {
        "hold_reason": HoldReason.AWAITING_PICKUP.value,
        "fulfillment_status": "fulfilled" if is_whole else "partial",
        "fulfilled_at": now,
    }
