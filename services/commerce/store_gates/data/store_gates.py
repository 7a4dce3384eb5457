"""SQL about what stores may do, as identity announces it."""

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
_FIND = sql("SELECT {columns} FROM store_gates WHERE store_id = ANY(CAST(:store_ids AS uuid[]))", Gate)
_LOCK = sql("SELECT 1 FROM store_gates WHERE store_id = :store_id FOR NO KEY UPDATE", int)


def upsert(tx: Tx, gate: Gate, *, version: int) -> None:
    """Insert or replace a store's gate; an older version changes nothing."""
    tx.execute(_UPSERT, {**gate._asdict(), "version": version})


def find(tx: Tx, store_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Gate]:
    """Return the known gates of stores, by id."""
    return {gate.store_id: gate for gate in tx.execute(_FIND, {"store_ids": list(store_ids)})}


def lock(tx: Tx, store_id: uuid.UUID) -> None:
    """Keep a known store's gate from changing, and others from locking it, until commit."""
    tx.execute(_LOCK, {"store_id": store_id})
