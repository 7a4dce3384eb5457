"""SQL that keeps what the daily proof found; the ledger shows the newest beside its trial balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.recordset import to_json
from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

_ADD = sql("INSERT INTO ledger_proofs (id, proved_at, problems) VALUES (:id, :now, CAST(:problems AS jsonb))")


def add(tx: Tx, *, proof_id: uuid.UUID, problems: Sequence[str]) -> None:
    """Keep what a proof found."""
    tx.execute(_ADD, {"id": proof_id, "now": tx.now, "problems": to_json([{"text": text} for text in problems])})
