"""Read the stations where cash is handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.data import cash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import Station


def read_stations(tx: Tx) -> Sequence[Station]:
    """Return all stations by name."""
    return cash.stations(tx)
