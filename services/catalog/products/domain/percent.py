"""Percentages: text with up to two decimals at the wire, integer basis points inside."""

from __future__ import annotations

_DECIMALS = 2


def parse_percent(text: str) -> int:
    """Return the basis points of a percentage such as `7.5`, whose shape the contract has checked."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int(fraction.ljust(_DECIMALS, "0") or "0")


def format_percent(basis_points: int) -> str:
    """Return the shortest text of a percentage: 750 is `7.5`."""
    whole, fraction = divmod(basis_points, 100)
    return f"{whole}.{fraction:02d}".rstrip("0").rstrip(".")
