"""Money arithmetic: integer minor units, every division says how it rounds."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BASIS_POINTS = 10_000


def percent_of(amount_cents: int, *, basis_points: int) -> int:
    """Return `basis_points` / 10 000 of an amount in minor units (>= 0), rounded half up (REQUIREMENTS K13)."""
    return (amount_cents * basis_points * 2 + BASIS_POINTS) // (2 * BASIS_POINTS)


def split_by_weight(amount_cents: int, weights: Sequence[int]) -> list[int]:
    """Split an amount (>= 0) in proportion to `weights` (>= 0) by largest remainder: the parts sum to the amount.

    Ties go to the earlier part. All weights zero puts everything on the first part.
    """
    if not weights:
        return []
    total = sum(weights)
    if total == 0:
        return [amount_cents, *([0] * (len(weights) - 1))]
    exact = [Fraction(amount_cents * weight, total) for weight in weights]
    parts = [int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda index: (parts[index] - exact[index], index))
    for index in order[: amount_cents - sum(parts)]:
        parts[index] += 1
    return parts
