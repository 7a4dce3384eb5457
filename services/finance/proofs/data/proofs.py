"""SQL that keeps what the daily proof found; the ledger shows the newest beside its trial balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.recordset import to_json
from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

# It reads everything; a request would be ended long before.
_ALLOW_MINUTES = sql("SET LOCAL statement_timeout = '15min'")
_ADD = sql("INSERT INTO ledger_proofs (id, proved_at, problems) VALUES (:id, :now, CAST(:problems AS jsonb))")


def allow_minutes(tx: Tx) -> None:
    """Let each statement of this transaction take up to a quarter of an hour."""
    tx.execute(_ALLOW_MINUTES)


def add(tx: Tx, *, proof_id: uuid.UUID, problems: Sequence[str]) -> None:
    """Keep what a proof found."""
    tx.execute(_ADD, {"id": proof_id, "now": tx.now, "problems": to_json([{"text": text} for text in problems])})
