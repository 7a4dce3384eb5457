"""Recompute from the postings that what agents carry is what they collected and have not handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.data import proofs

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def prove_custody(tx: Tx) -> list[str]:
    """Return every violation of the rules of cash custody, as text."""
    problems = [
        f"cash of order {row.order_id}: {row.handed_in} handed in and {row.difference} written off,"
        f" {row.handed_in_expected} and {row.difference_expected} expected"
        for row in proofs.wrongly_handed_in_orders(tx)
    ]
    problems += [
        f"agent {row.agent_id} holds {row.held} {row.currency}, {row.expected} expected"
        for row in proofs.wrongly_held_by_agents(tx)
    ]
    problems += [
        f"payment of order {row.order_id} is kept back for mismatch {row.named}, open is {row.open}"
        for row in proofs.wrongly_blocked_intents(tx)
    ]
    problems += [
        f"cash of order {row.order_id} says hand-in {row.hand_in_id}, counted {row.is_counted};"
        f" declared in {row.declared_in}, counted {row.was_counted}"
        for row in proofs.wrong_custodies(tx)
    ]
    problems += [
        f"hand-in {row.id} is {row.status}, {row.declared_cents} declared, {row.counted_cents} counted;"
        f" its orders say {row.expected}, {row.declared}, {row.counted}"
        for row in proofs.wrong_hand_ins(tx)
    ]
    return problems
