"""Prove that carts, orders and lines agree. Called by `marketmesh prove` and by the tests; an empty list is a proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import proofs

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def prove_orders(tx: Tx) -> list[str]:
    """Return every violated invariant as a sentence with the ids it is about."""
    return [f"{sentence}: {subject}" for sentence, subject in proofs.violations(tx)]
