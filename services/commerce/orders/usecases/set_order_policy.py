"""A vendor chooses how long its orders wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from services.commerce.orders.data import lifetimes
from services.commerce.orders.domain.lifetime import Lifetime

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def set_order_policy(tx: Tx, *, nudge_days: int, expiry_days: int) -> Lifetime:
    """Return the policy of the caller's store; it counts from the next run of the job. Raises ValidationError."""
    if nudge_days >= expiry_days:
        raise ValidationError.of("expire_after_days", "must be more than nudge_after_days")
    vendor = tx.principal.require_store
    before, after = lifetimes.policy(tx, vendor), Lifetime(nudge_days, expiry_days)
    lifetimes.set_policy(tx, vendor, after)
    tx.audit(target=vendor, before=_audited(before), after=_audited(after))
    return after


def _audited(lifetime: Lifetime | None) -> dict[str, int] | None:
    return {"nudge_days": lifetime.nudge_days, "expiry_days": lifetime.expiry_days} if lifetime else None
