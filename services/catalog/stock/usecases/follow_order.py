"""Bring an order's reservations in line with the order as it is now. Safe to repeat with the same or older news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.obs.logging import get_logger
from services.catalog.stock.data import inventory, reservations
from services.catalog.stock.domain.reservations import Line, ReservationState, allot, plan_order, uncovered
from services.catalog.stock.usecases.announce_low_stock import announce_taken
from services.catalog.stock.usecases.release_lines import release_lines

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.reservations import Reservation


def follow_order(tx: Tx, *, order_id: uuid.UUID, order_status: str, line_statuses: Mapping[uuid.UUID, str]) -> None:
    """Make the stock of live lines durable, release that of dead ones, consume that of delivered ones.

    A live line whose reservation has expired takes stock again; where there is none left, somebody must look.
    """
    rows = reservations.of_order(tx, order_id)
    states = {line_id: ReservationState(row.state) for line_id, row in rows.items()}
    plan = plan_order(order_status=order_status, line_statuses=line_statuses, states=states)
    moving = {rows[line_id].product_id for line_id in (*plan.release, *plan.revive, *plan.consume)}
    if moving:
        # All at once: whoever moves stock locks it in the same order as everybody.
        inventory.lock(tx, moving)
    release_lines(tx, plan.release)
    reservations.forget_expired(tx, plan.forget)
    revive = plan.revive + _keep(tx, [rows[line_id] for line_id in plan.keep])
    revived = _revive(tx, [rows[line_id] for line_id in revive])
    if plan.consume:
        reservations.consume(tx, plan.consume)
    for line_id in uncovered(order_status=order_status, line_statuses=line_statuses, states=states):
        if line_id not in revived:
            get_logger().error(
                "catalog.line_without_stock",
                order_id=str(order_id),
                line_id=str(line_id),
                state=states.get(line_id, "unknown"),
            )


def _keep(tx: Tx, rows: Sequence[Reservation]) -> list[uuid.UUID]:
    """Make lines durable; returns those that expired in this very moment."""
    passing = [row.line_id for row in rows if row.expires_at is not None]
    if not passing:
        return []
    kept = reservations.make_durable(tx, passing)
    return [line_id for line_id in passing if line_id not in kept]


def _revive(tx: Tx, rows: Sequence[Reservation]) -> set[uuid.UUID]:
    """Reserve again for lines whose reservation has expired, durably; returns those for which there was stock."""
    if not rows:
        return set()
    lines = [Line(row.line_id, row.order_id, row.product_id, row.quantity) for row in rows]
    stock = inventory.lock(tx, {line.product_id for line in lines})
    refusals = allot(lines, stock)
    fitting = [line for line, refusal in zip(lines, refusals, strict=True) if refusal is None]
    revived = reservations.write(tx, rows[0].group_id, fitting, [None] * len(fitting), expires_at=None)
    announce_taken(tx, stock, [line for line in fitting if line.line_id in revived])
    return revived
