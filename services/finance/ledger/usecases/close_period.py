"""Close the books for days that are over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.market_day import market_day, parse_day
from services.finance.errors import PeriodClosed
from services.finance.ledger.data import books

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

# A transaction that began before midnight has ended by then.
GRACE = timedelta(hours=1)


def close_period(tx: Tx, *, closed_through: str, reason: str) -> date:
    """Close the books up to a day; returns that day. Raises ValidationError, PeriodClosed."""
    day = parse_day(closed_through, field="closed_through")
    if day >= market_day(tx.now - GRACE):
        raise ValidationError.of("closed_through", "must be over for an hour at least")
    books.lock_periods(tx)
    before = books.closed_through(tx)
    if before is not None and day <= before:
        raise PeriodClosed(closed_through=before.isoformat())
    books.close_period(tx, day=day, reason=reason, user_id=tx.principal.require_user)
    tx.audit(
        target=f"ledger:{day.isoformat()}",
        before={"closed_through": before.isoformat() if before else None},
        after={"closed_through": day.isoformat(), "reason": reason},
    )
    return day
