"""What an order costs: its surviving lines, less the promo, plus its share of the transport fee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from meshkit.money import split_by_weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class PricedLine(Protocol):
    """A line's frozen prices; volume discounts are in `discount_cents`."""

    @property
    def line_subtotal_cents(self) -> int:
        """Return price times quantity."""
        ...

    @property
    def discount_cents(self) -> int:
        """Return the volume discount."""
        ...

    @property
    def total_cents(self) -> int:
        """Return what the line costs."""
        ...


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """Invariant: total = subtotal - discount + transport fee, none below zero."""

    subtotal_cents: int
    discount_cents: int
    transport_fee_cents: int
    total_cents: int


def order_totals(surviving: Iterable[PricedLine], *, promo_cents: int, transport_fee_cents: int) -> OrderTotals:
    """Add up the surviving lines. The promo never takes more than they cost; an order without lines has no fee."""
    subtotal = line_discounts = goods = count = 0
    for line in surviving:
        subtotal += line.line_subtotal_cents
        line_discounts += line.discount_cents
        goods += line.total_cents
        count += 1
    promo = min(promo_cents, goods)
    fee = transport_fee_cents if count else 0
    return OrderTotals(subtotal, line_discounts + promo, fee, goods - promo + fee)


def split_transport_fee(price_cents: int, goods_cents: Sequence[int]) -> list[int]:
    """Split the shipping price over the surviving orders in proportion to what their goods cost."""
    if price_cents == 0:
        return [0] * len(goods_cents)
    return split_by_weight(price_cents, goods_cents)
