"""Bring an order's reservations in line with the order as it is now. Safe to repeat with the same or an older event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.obs.logging import get_logger
from services.catalog.stock.data import inventory, reservations
from services.catalog.stock.domain.reservations import Line, ReservationState, allocate, plan_order, uncovered
from services.catalog.stock.usecases.announce_low_stock import announce_if_low
from services.catalog.stock.usecases.release_lines import release_lines

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.reservations import Reservation


def follow_order(tx: Tx, *, order_id: uuid.UUID, order_status: str, line_statuses: Mapping[uuid.UUID, str]) -> None:
    """Confirm the reservations of lines that the order still wants, release the others, consume those of a delivered order.

    A wanted line whose reservation has expired takes stock again; where there is none left, an error is logged for operators.
    """
    rows = reservations.of_order(tx, order_id)
    states = {line_id: ReservationState(row.state) for line_id, row in rows.items()}
    plan = plan_order(order_status=order_status, line_statuses=line_statuses, states=states)
    moving = {rows[line_id].product_id for line_id in (*plan.release, *plan.reserve_again, *plan.consume)}
    if moving:
        # All at once, so that they are locked in the order in which everyone locks stock.
        inventory.lock(tx, moving)
    release_lines(tx, plan.release)
    reservations.release_expired(tx, plan.release_expired)
    expired = plan.reserve_again + _confirm(tx, [rows[line_id] for line_id in plan.confirm])
    reserved = _reserve_again(tx, [rows[line_id] for line_id in expired])
    if plan.consume:
        reservations.consume(tx, plan.consume)
    for line_id in uncovered(order_status=order_status, line_statuses=line_statuses, states=states):
        if line_id not in reserved:
            get_logger().error(
                "catalog.line_without_stock",
                order_id=str(order_id),
                line_id=str(line_id),
                state=states.get(line_id, "unknown"),
            )


def _confirm(tx: Tx, rows: Sequence[Reservation]) -> list[uuid.UUID]:
    """Take the expiry from reservations; returns the lines that have expired since they were read."""
    expiring = [row.line_id for row in rows if row.expires_at is not None]
    if not expiring:
        return []
    confirmed = reservations.confirm(tx, expiring)
    return [line_id for line_id in expiring if line_id not in confirmed]


def _reserve_again(tx: Tx, rows: Sequence[Reservation]) -> set[uuid.UUID]:
    """Reserve stock for lines whose reservation has expired, for good; returns those for which there was some."""
    if not rows:
        return set()
    lines = [Line(row.line_id, row.order_id, row.product_id, row.quantity) for row in rows]
    stock = inventory.lock(tx, {line.product_id for line in lines})
    refusals = allocate(lines, stock)
    fitting = [line for line, refusal in zip(lines, refusals, strict=True) if refusal is None]
    reserved = reservations.write(tx, rows[0].group_id, fitting, [None] * len(fitting), expires_at=None)
    announce_if_low(tx, [line for line in fitting if line.line_id in reserved], stock=stock)
    return reserved
