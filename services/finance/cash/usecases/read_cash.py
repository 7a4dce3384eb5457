"""Read who carries which cash, what was handed in, and what does not fit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from meshkit.cursor import Cursor
from meshkit.errors import NotFound
from meshkit.market_day import market_day, parse_day
from services.finance.cash.data import cash, cash_mismatches, cash_report, custodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import HandIn, HandInItem
    from services.finance.cash.data.cash_mismatches import Mismatch
    from services.finance.cash.data.cash_report import AgentDay
    from services.finance.cash.data.custodies import HeldCash


def read_held_cash(tx: Tx, *, page: Page) -> tuple[Sequence[HeldCash], str]:
    """Return orders whose cash the calling agent carries undeclared, longest carried first, and the next cursor."""
    return page.cut(custodies.page_of_held(tx, tx.principal.require_user, page), custodies.held_cursor)


def read_my_hand_ins(tx: Tx, *, page: Page) -> tuple[Sequence[HandIn], str]:
    """Return the calling agent's hand-ins, newest first, and the next cursor."""
    return page.cut(cash.page_of_agent(tx, tx.principal.require_user, page), cash.declared_cursor)


def read_my_hand_in(tx: Tx, *, hand_in_id: uuid.UUID) -> tuple[HandIn, list[HandInItem]]:
    """Return a hand-in of the calling agent with its orders. Raises NotFound for anybody else's."""
    hand_in = cash.find_of_agent(tx, hand_in_id, tx.principal.require_user)
    if hand_in is None:
        raise NotFound
    return hand_in, cash.items_of(tx, hand_in_id)


def read_hand_in(tx: Tx, *, hand_in_id: uuid.UUID) -> tuple[HandIn, list[HandInItem]]:
    """Return a hand-in with its orders. Raises NotFound."""
    hand_in = cash.find(tx, hand_in_id)
    if hand_in is None:
        raise NotFound
    return hand_in, cash.items_of(tx, hand_in_id)


def read_hand_ins(tx: Tx, *, status: str, page: Page) -> tuple[Sequence[HandIn], str]:
    """Return hand-ins of a status, or of any, oldest first, and the next cursor."""
    return page.cut(cash.page_of(tx, status=status, page=page), cash.declared_cursor)


def read_mismatches(tx: Tx, *, page: Page) -> tuple[Sequence[Mismatch], str]:
    """Return open mismatches, oldest first, and the next cursor."""
    return page.cut(cash_mismatches.page_of_open(tx, page), cash_mismatches.found_cursor)


def read_mismatch(tx: Tx, *, mismatch_id: uuid.UUID) -> Mismatch:
    """Return a mismatch. Raises NotFound."""
    mismatch = cash_mismatches.find(tx, mismatch_id)
    if mismatch is None:
        raise NotFound
    return mismatch


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
