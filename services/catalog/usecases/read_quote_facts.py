"""Read what a quote needs: at most three statements however many products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.catalog.data import products, promos

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class QuoteFacts:
    """Products in the order asked for, their tiers, and promos."""

    products: Sequence[Any]
    tiers: dict[uuid.UUID, list[Any]]
    promos: Sequence[Any]


def read_quote_facts(
    tx: Tx, *, product_ids: Sequence[uuid.UUID], promo_codes: Sequence[tuple[uuid.UUID, str]]
) -> QuoteFacts:
    """Return what exists of the products, each once, and of the (vendor, code) pairs."""
    found = {row.id: row for row in products.quoted(tx, product_ids)} if product_ids else {}
    tiers: dict[uuid.UUID, list[Any]] = {product_id: [] for product_id in found}
    for tier in products.tiers_of(tx, list(found)) if found else ():
        tiers[tier.product_id].append(tier)
    in_order = [found[product_id] for product_id in dict.fromkeys(product_ids) if product_id in found]
    return QuoteFacts(in_order, tiers, promos.active(tx, promo_codes) if promo_codes else [])
