"""SQL about what identity says of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.sql import sql
from services.commerce.store_gates.domain.gate import Gate

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from meshkit.db.tx import Tx

_UPSERT = sql(
    """
    INSERT INTO store_gates (store_id, type, name, state, kyc_status, subscription_active, version)
    VALUES (:store_id, :type, :name, :state, :kyc_status, :subscription_active, :version)
    ON CONFLICT ON CONSTRAINT store_gates_pk DO UPDATE SET type = excluded.type, name = excluded.name,
        state = excluded.state, kyc_status = excluded.kyc_status, subscription_active = excluded.subscription_active,
        version = excluded.version
    WHERE store_gates.version < excluded.version
    """
)
_FIND = sql(
    "SELECT store_id, type, name, state, kyc_status, subscription_active FROM store_gates"
    " WHERE store_id = ANY(CAST(:store_ids AS uuid[]))"
)
_LOCK = sql("SELECT 1 FROM store_gates WHERE store_id = :store_id FOR NO KEY UPDATE")


def upsert(tx: Tx, gate: Gate, *, version: int) -> None:
    """Insert or replace a store's gate; an older version changes nothing."""
    tx.execute(
        _UPSERT,
        {
            "store_id": gate.store_id,
            "type": gate.type,
            "name": gate.name,
            "state": gate.state,
            "kyc_status": gate.kyc_status,
            "subscription_active": gate.subscription_active,
            "version": version,
        },
    )


def find(tx: Tx, store_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Gate]:
    """Return the known gates of stores, by id."""
    rows = tx.execute(_FIND, {"store_ids": list(store_ids)})
    return {row.store_id: Gate(*row) for row in rows}


def lock(tx: Tx, store_id: uuid.UUID) -> None:
    """Let one quote of a buyer run at a time, also its very first one."""
    tx.execute(_LOCK, {"store_id": store_id})
