"""Recompute the books every day and remember what did not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from services.finance.ledger.data import books

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshkit.db.tx import Tx


def keep_proof(tx: Tx, *, prove: Callable[[Tx], list[str]]) -> list[str]:
    """Recompute everything from the postings and keep what was found; returns the violations."""
    books.allow_minutes(tx)
    problems = prove(tx)
    books.add_proof(tx, proof_id=new_id(), problems=problems)
    if problems:
        get_logger().error("ledger.does_not_prove", problems=len(problems), first=problems[:10])
    return problems
