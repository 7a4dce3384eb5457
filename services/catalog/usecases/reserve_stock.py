"""Reserve stock for the lines of a checkout: the hot path, three statements however many lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import StateConflict, ValidationError
from services.catalog.data import inventory, reservations
from services.catalog.domain.reservations import Refusal, ReservationState, allot

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import timedelta

    from meshkit.db.tx import Tx
    from services.catalog.domain.reservations import Line


@dataclass(frozen=True)
class Outcome:
    """What became of a line; `refusal` None means that its stock is reserved."""

    line_id: uuid.UUID
    refusal: Refusal | None


def reserve_stock(tx: Tx, *, group_id: uuid.UUID, lines: Sequence[Line], expires_in: timedelta) -> list[Outcome]:
    """Return the outcome of each line, in the order given.

    The same lines again get the same answer; only a line whose reservation has expired meanwhile is decided anew.
    Raises ValidationError for a line named twice, StateConflict when group or line were reserved as something else.
    """
    if len({line.line_id for line in lines}) < len(lines):
        raise ValidationError.of("lines", "a line is named twice")
    stock = inventory.lock(tx, {line.product_id for line in lines})
    # Read after the locks: a twin that was faster has committed by now.
    known = reservations.of_group(tx, group_id)
    if known:
        _check_same(known, lines)
    undecided = [line for line in lines if _is_undecided(known.get(line.line_id))]
    decided = {line_id: _refusal_of(row) for line_id, row in known.items()}
    if undecided:
        refusals = allot(undecided, stock)
        written = reservations.write(tx, group_id, undecided, refusals, expires_at=tx.now + expires_in)
        if len(written) < len(undecided):
            raise StateConflict("A line belongs to another group.", state="reserved")
        decided |= {line.line_id: refusal for line, refusal in zip(undecided, refusals, strict=True)}
    return [Outcome(line.line_id, decided[line.line_id]) for line in lines]


def _check_same(known: dict[uuid.UUID, Any], lines: Sequence[Line]) -> None:
    before = {(row.line_id, row.order_id, row.product_id, row.quantity) for row in known.values()}
    if before != {(line.line_id, line.order_id, line.product_id, line.quantity) for line in lines}:
        raise StateConflict("The group was reserved with other lines.", state="reserved")


def _is_undecided(row: Any | None) -> bool:
    return row is None or row.state == ReservationState.EXPIRED


def _refusal_of(row: Any) -> Refusal | None:
    if row.state == ReservationState.REFUSED:
        return Refusal(row.reason)
    # What was given back is not held any more, whatever the first answer said.
    return Refusal.NOT_AVAILABLE if row.state == ReservationState.RELEASED else None
