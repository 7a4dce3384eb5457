"""What is done for the ledger every day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.db.sql import sql
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from services.finance.ledger.data import books

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshkit.db.tx import Tx

# No transaction lasts that long, so no entry comes before the snapshot any more.
SETTLED_AFTER = timedelta(hours=1)
# Everything is read; a request would be ended long before.
_TAKE_YOUR_TIME = sql("SET LOCAL statement_timeout = '15min'")


def snapshot_balances(tx: Tx) -> int:
    """Note the balances of all accounts that moved, so that statements begin there; returns how many."""
    tx.execute(_TAKE_YOUR_TIME)
    return books.take_snapshots(tx, before=tx.now - SETTLED_AFTER)


def keep_proof(tx: Tx, *, prove: Callable[[Tx], list[str]]) -> list[str]:
    """Recompute everything from the postings and keep what was found; returns the violations."""
    tx.execute(_TAKE_YOUR_TIME)
    problems = prove(tx)
    books.add_proof(tx, proof_id=new_id(), problems=problems)
    if problems:
        get_logger().error("ledger.does_not_prove", problems=len(problems), first=problems[:10])
    return problems
