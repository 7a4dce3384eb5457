"""Keep what stores may do as identity announces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.store_gates.data import store_gates

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.commerce.store_gates.domain.gate import Gate


def update_store_gate(tx: Tx, gate: Gate, *, version: int) -> None:
    """Keep a store's gate unless a newer version of it is known."""
    store_gates.upsert(tx, gate, version=version)
