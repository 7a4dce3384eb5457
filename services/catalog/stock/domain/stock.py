"""How a vendor changes how many units there are. What orders do with them: `reservations.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid

# Far beyond any warehouse; keeps sums inside 64 bits.
MAX_UNITS = 1_000_000_000


class MovementKind(StrEnum):
    """What happened to the stock."""

    RECEIVED = "received"
    ADJUSTED = "adjusted"
    COUNTED = "counted"
    SET = "set"


class Cause(StrEnum):
    """What a movement came from."""

    PRODUCT = "product"
    VENDOR = "vendor"
    IMPORT = "import"
    MIGRATION = "migration"


def is_low(*, available_qty: int, low_stock_threshold: int) -> bool:
    """Return whether there is no more than the threshold."""
    return available_qty <= low_stock_threshold


class Stocked(Protocol):
    """Whatever says how much of a product there is."""

    @property
    def available_qty(self) -> int:
        """Units that can be bought."""
        ...

    @property
    def reserved_qty(self) -> int:
        """Units that orders hold."""
        ...

    @property
    def low_stock_threshold(self) -> int:
        """At or below how many available units its vendor is notified."""
        ...


@dataclass(frozen=True, slots=True)
class Level:
    """How much of a product is available, and at how little its vendor is notified."""

    available_qty: int
    low_stock_threshold: int

    @property
    def is_low(self) -> bool:
        """Whether there is no more than the threshold."""
        return is_low(available_qty=self.available_qty, low_stock_threshold=self.low_stock_threshold)


def fell_low(before: Level, after: Level) -> bool:
    """Return whether this change is the one of which the vendor is notified."""
    return after.is_low and not before.is_low


@dataclass(frozen=True, slots=True)
class Movement:
    """`quantity` units more of a product, or fewer when negative."""

    id: uuid.UUID
    product_id: uuid.UUID
    kind: MovementKind
    quantity: int
    low_stock_threshold: int
    reason: str = ""
