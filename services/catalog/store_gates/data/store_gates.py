"""SQL about what identity says of stores."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert

from meshkit.db.sql import sql
from services.catalog.schema import store_gates
from services.catalog.store_gates.domain.visibility import Gate

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.db.tx import Tx


class _StoreGate(NamedTuple):
    store_id: uuid.UUID
    type: str
    state: str
    kyc_status: str
    subscription_active: bool


_FIND = sql("SELECT {columns} FROM store_gates WHERE store_id = ANY(CAST(:store_ids AS uuid[]))", _StoreGate)

# Facts that are stored with the instant since which they are so.
_FACTS = ("type", "state", "kyc_status", "subscription_active")


def upsert(tx: Tx, *, since: datetime, **columns: object) -> None:
    """Insert or replace a store's gate unless a higher version is known; what differs is so since `since`."""
    statement = insert(store_gates).values(columns | {f"{fact}_since": since for fact in _FACTS})
    kept = {
        f"{fact}_since": case(
            (store_gates.c[fact] == statement.excluded[fact], store_gates.c[f"{fact}_since"]), else_=since
        )
        for fact in _FACTS
    }
    statement = statement.on_conflict_do_update(
        constraint="store_gates_pk",
        set_={name: statement.excluded[name] for name in columns if name != "store_id"} | kept,
        where=store_gates.c.version < statement.excluded.version,
    )
    tx.execute(statement)


def find(tx: Tx, *store_ids: uuid.UUID) -> dict[uuid.UUID, Gate]:
    """Return the gates of stores, by id; a store that identity has not announced is missing."""
    rows = tx.execute(_FIND, {"store_ids": store_ids})
    return {row.store_id: Gate(row.type, row.state, row.kyc_status, row.subscription_active) for row in rows}
