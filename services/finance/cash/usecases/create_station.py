"""Open a station where cash is handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import Conflict
from meshkit.ids import new_id
from services.finance.cash.data import cash

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import Station


def create_station(tx: Tx, *, name: str) -> Station:
    """Return the new station. Raises Conflict when another one has that name."""
    station = cash.add_station(tx, station_id=new_id(), name=name)
    if station is None:
        raise Conflict(field="name")
    tx.audit(target=station.id, after={"name": name})
    return station
