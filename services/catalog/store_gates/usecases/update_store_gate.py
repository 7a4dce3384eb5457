"""Store what identity announces of a store: what it may do, its name and its logo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.store_gates.data import store_gates

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx
    from services.catalog.store_gates.domain.visibility import Gate


def update_store_gate(
    tx: Tx,
    *,
    store_id: uuid.UUID,
    name: str,
    gate: Gate,
    version: int,
    changed_at: datetime | None,
    logo_media_id: uuid.UUID | None,
) -> None:
    """Store a store's gate, name and logo; an older version than the known one changes nothing."""
    store_gates.upsert(
        tx,
        store_id=store_id,
        name=name,
        version=version,
        since=changed_at or tx.now,
        logo_media_id=logo_media_id,
        **vars(gate),
    )
