"""Recompute the books every day and remember what did not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from services.finance.proofs.data import proofs
from services.finance.proofs.usecases.prove_money import prove_money

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def keep_proof(tx: Tx) -> list[str]:
    """Recompute everything from the postings and keep what was found; returns the violations."""
    tx.allow_minutes()
    problems = prove_money(tx)
    proofs.add(tx, proof_id=new_id(), problems=problems)
    if problems:
        get_logger().error("ledger.does_not_prove", problems=len(problems), first=problems[:10])
    return problems
