"""Read what a quote needs: one statement however many products, so that nothing changes between two parts of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.catalog.products.data import quote_facts
from services.catalog.promos.domain.promo import promo_code

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.catalog.products.domain.quoted import QuotedProduct, QuotedPromo


@dataclass(frozen=True)
class QuoteFacts:
    """Products, in the order asked for, with their tiers; and promos."""

    products: Sequence[QuotedProduct]
    promos: Sequence[QuotedPromo]


def read_quote_facts(
    tx: Tx, *, product_ids: Sequence[uuid.UUID], promo_codes: Sequence[tuple[uuid.UUID, str]]
) -> QuoteFacts:
    """Return what exists of the products, each once, and of the (vendor, code) pairs, however the codes are typed."""
    asked = [(vendor, promo_code(code), code) for vendor, code in promo_codes]
    products, promos = quote_facts.read(tx, product_ids=product_ids, promos=asked)
    found = {product.id: product for product in products}
    in_order = [found[product_id] for product_id in dict.fromkeys(product_ids) if product_id in found]
    return QuoteFacts(in_order, promos)
