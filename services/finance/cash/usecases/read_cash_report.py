"""Read what agents did with cash on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from meshkit.cursor import Cursor
from meshkit.market_day import market_day, parse_day
from services.finance.cash.data import cash_report

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash_report import AgentDay


@dataclass(frozen=True)
class CashDay:
    """A day's report, or a page of it."""

    day: date
    rows: Sequence[AgentDay]
    following: str


def read_cash_report(tx: Tx, *, day: str, agent_user_id: uuid.UUID | None, page: Page) -> CashDay:
    """Return what agents did on a day of the market, today when it is empty. Raises ValidationError for what is no day."""
    # The cursor names the day, so that the next page of today's report does not change days at midnight.
    today = page.after.at.date() if page.after else market_day(tx.now)
    when = parse_day(day, field="day") if day else today
    after = page.after.id if page.after else None
    rows = cash_report.page_of_day(tx, day=when, agent_user_id=agent_user_id, after=after, limit=page.fetch)
    midnight = datetime.combine(when, time(), UTC)
    shown, following = page.cut(rows, lambda row: Cursor(midnight, row.id))
    return CashDay(when, shown, following)
