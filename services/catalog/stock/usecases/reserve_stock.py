"""Reserve stock for the lines of a checkout: the hot path, two statements however many lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import StateConflict, ValidationError
from services.catalog.stock.data import inventory, reservations
from services.catalog.stock.domain.reservations import Refusal, ReservationState, allocate
from services.catalog.stock.usecases.announce_low_stock import announce_if_low

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.reservations import Reservation
    from services.catalog.stock.domain.reservations import Line, Stock


@dataclass(frozen=True)
class Outcome:
    """What became of a line; `refusal` None means that its stock is reserved."""

    line_id: uuid.UUID
    refusal: Refusal | None


def reserve_stock(tx: Tx, *, group_id: uuid.UUID, lines: Sequence[Line], expires_in: timedelta) -> list[Outcome]:
    """Return the outcome of each line, in the order given.

    The same lines again get the same answer; only a line whose reservation has expired meanwhile is decided anew.
    Raises ValidationError for a line named twice, StateConflict when the group was reserved with other lines or a line
    for another group.
    """
    if len({line.line_id for line in lines}) < len(lines):
        raise ValidationError.of("lines", "a line is named twice")
    stock = inventory.lock(tx, {line.product_id for line in lines})
    refusals = allocate(lines, stock)
    if reservations.write_new(tx, group_id, lines, refusals, expires_at=tx.now + expires_in):
        announce_if_low(tx, _served(lines, refusals), stock=stock)
        return [Outcome(line.line_id, refusal) for line, refusal in zip(lines, refusals, strict=True)]
    decided = _decide_again(tx, group_id, lines, stock, expires_at=tx.now + expires_in)
    return [Outcome(line.line_id, decided[line.line_id]) for line in lines]


def _decide_again(
    tx: Tx, group_id: uuid.UUID, lines: Sequence[Line], stock: Mapping[uuid.UUID, Stock], *, expires_at: datetime
) -> dict[uuid.UUID, Refusal | None]:
    """Return the outcomes of a group that was reserved before; only what has expired meanwhile is decided anew."""
    known = reservations.of_group(tx, group_id)
    _check_same(known, lines)
    decided = {line_id: _refusal_of(row) for line_id, row in known.items()}
    undecided = [line for line in lines if known[line.line_id].state == ReservationState.EXPIRED]
    refusals = allocate(undecided, stock)
    if undecided:
        reservations.write(tx, group_id, undecided, refusals, expires_at=expires_at)
        announce_if_low(tx, _served(undecided, refusals), stock=stock)
    return decided | {line.line_id: refusal for line, refusal in zip(undecided, refusals, strict=True)}


def _served(lines: Sequence[Line], refusals: Sequence[Refusal | None]) -> list[Line]:
    return [line for line, refusal in zip(lines, refusals, strict=True) if refusal is None]


def _check_same(known: dict[uuid.UUID, Reservation], lines: Sequence[Line]) -> None:
    before = {(row.line_id, row.order_id, row.product_id, row.quantity) for row in known.values()}
    if before != {(line.line_id, line.order_id, line.product_id, line.quantity) for line in lines}:
        raise StateConflict("The group or one of its lines was reserved as something else.", state="reserved")


def _refusal_of(row: Reservation) -> Refusal | None:
    if row.state == ReservationState.REFUSED:
        return Refusal(row.reason)
    # What was given back is not held any more, whatever the first answer said.
    return Refusal.NOT_AVAILABLE if row.state == ReservationState.RELEASED else None
