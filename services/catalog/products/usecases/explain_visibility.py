"""Say why buyers see a product or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.catalog.products.data import products
from services.catalog.store_gates.domain.visibility import explain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.catalog.store_gates.domain.visibility import GateState


@dataclass(frozen=True)
class Explanation:
    """Every gate between a product and its buyers."""

    product_id: uuid.UUID
    gates: Sequence[GateState]
    in_stock: bool


def explain_visibility(tx: Tx, *, product_id: uuid.UUID, buyer_state: str, store_id: uuid.UUID | None) -> Explanation:
    """Return how each gate of a product stands; `store_id` None may ask about any. Raises NotFound."""
    facts = products.visibility_of(tx, product_id)
    if facts is None or (store_id is not None and facts.store_id != store_id):
        raise NotFound
    return Explanation(product_id, explain(facts, buyer_state=buyer_state), facts.in_stock)
