"""How stock is allocated to order lines, and what becomes of it as their order changes (REQUIREMENTS A.6.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence


class ReservationState(StrEnum):
    """Where a line's stock is."""

    RESERVED = "reserved"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"
    REFUSED = "refused"


TRANSITIONS: dict[ReservationState, frozenset[ReservationState]] = {
    ReservationState.RESERVED: frozenset(
        {ReservationState.CONSUMED, ReservationState.RELEASED, ReservationState.EXPIRED}
    ),
    # An order that appears after its reservation ran out takes stock again, or is over.
    ReservationState.EXPIRED: frozenset(
        {ReservationState.RESERVED, ReservationState.REFUSED, ReservationState.RELEASED}
    ),
    ReservationState.CONSUMED: frozenset(),
    ReservationState.RELEASED: frozenset(),
    ReservationState.REFUSED: frozenset(),
}


class Refusal(StrEnum):
    """Why a line gets no stock."""

    NOT_AVAILABLE = "not_available"
    INSUFFICIENT_INVENTORY = "insufficient_inventory"


@dataclass(frozen=True)
class Line:
    """An order line that wants stock."""

    line_id: uuid.UUID
    order_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int


@dataclass(frozen=True)
class Stock:
    """What decides whether a product can be reserved."""

    available_qty: int
    is_active: bool
    low_stock_threshold: int = 0


def allocate(lines: Sequence[Line], stock: Mapping[uuid.UUID, Stock]) -> list[Refusal | None]:
    """Return for each line why it gets no stock, or None when it does.

    First come, first served in the order given; lines of one product draw on the same stock.
    """
    left = {product_id: item.available_qty for product_id, item in stock.items()}
    outcomes: list[Refusal | None] = []
    for line in lines:
        item = stock.get(line.product_id)
        if item is None or not item.is_active:
            outcomes.append(Refusal.NOT_AVAILABLE)
        elif left[line.product_id] < line.quantity:
            outcomes.append(Refusal.INSUFFICIENT_INVENTORY)
        else:
            left[line.product_id] -= line.quantity
            outcomes.append(None)
    return outcomes


# Orders that will never be delivered, and those that were.
_DEAD_ORDERS = frozenset({"rejected", "canceled", "expired"})
_DELIVERED_ORDERS = frozenset({"delivered", "closed"})
_DEAD_LINE = "rejected"


def only_holds_stock(order_status: str) -> bool:
    """Return whether an order in that state holds its stock and no more: it is neither over nor delivered."""
    return order_status not in _DEAD_ORDERS and order_status not in _DELIVERED_ORDERS


def is_wanted(line_status: str) -> bool:
    """Return whether a line still wants its stock."""
    return line_status != _DEAD_LINE


@dataclass
class Plan:
    """What is to be done with the reservations of an order, given its present state; ids of lines."""

    # Reserved: the order is there, so they do not expire any more.
    confirm: list[uuid.UUID] = field(default_factory=list)
    # Expired, and still wanted.
    reserve_again: list[uuid.UUID] = field(default_factory=list)
    release: list[uuid.UUID] = field(default_factory=list)
    consume: list[uuid.UUID] = field(default_factory=list)
    # Expired and not wanted any more: released without moving stock.
    release_expired: list[uuid.UUID] = field(default_factory=list)


def plan_order(
    *, order_status: str, line_statuses: Mapping[uuid.UUID, str], states: Mapping[uuid.UUID, ReservationState]
) -> Plan:
    """Return what to do with each reservation of an order; settled ones are left as they are.

    `line_statuses` is the order as it is now, `states` its reservations. An expired line of a delivered order is
    reserved again first and then consumed.
    """
    plan = Plan()
    for line_id, state in states.items():
        is_dead = order_status in _DEAD_ORDERS or line_statuses.get(line_id) == _DEAD_LINE
        is_delivered = order_status in _DELIVERED_ORDERS
        if state is ReservationState.RESERVED:
            target = plan.release if is_dead else plan.consume if is_delivered else plan.confirm
            target.append(line_id)
        elif state is ReservationState.EXPIRED:
            (plan.release_expired if is_dead else plan.reserve_again).append(line_id)
            if is_delivered and not is_dead:
                plan.consume.append(line_id)
    return plan


def uncovered(
    *, order_status: str, line_statuses: Mapping[uuid.UUID, str], states: Mapping[uuid.UUID, ReservationState]
) -> list[uuid.UUID]:
    """Return the lines that the order counts on but that hold no stock."""
    if order_status in _DEAD_ORDERS:
        return []
    covered = {ReservationState.RESERVED, ReservationState.CONSUMED}
    return [
        line_id
        for line_id, status in line_statuses.items()
        if status != _DEAD_LINE and states.get(line_id) not in covered
    ]
