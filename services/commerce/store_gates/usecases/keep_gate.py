"""Remember what identity tells about a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.store_gates.data import store_gates

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.quote import Gate


def keep_gate(tx: Tx, gate: Gate, *, version: int) -> None:
    """Keep the newest gate of a store; old news changes nothing."""
    store_gates.keep(tx, gate, version=version)
