"""SQL about what a quote is made of: one statement, so that price, discounts, stock and promos are of one moment."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from meshkit.db.sql import sql
from services.catalog.products.domain.quoted import QuotedProduct, QuotedPromo, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class _Product(TypedDict):
    id: str
    store_id: str
    sku: str
    title: str
    category: str
    classification: str | None
    strain: str
    unit: str
    moq: int
    max_qty: int
    price_cents: int
    currency: str
    is_active: bool
    available_qty: int
    thumbnail_media_id: str | None
    # Pairs of a quantity and a discount.
    tiers: list[list[int]]


class _Promo(TypedDict):
    store_id: str
    code: str
    amount_cents: int
    asked: str


class _Facts(NamedTuple):
    products: list[_Product] | None
    promos: list[_Promo] | None


_FACTS = sql(
    """
    SELECT (
        SELECT json_agg(p) FROM (
            SELECT p.id, p.store_id, p.sku, p.title, p.category, p.classification, p.strain, p.unit, p.moq, p.max_qty,
                   p.price_cents, p.currency, p.is_active, i.available_qty, (
                       SELECT g.media_id FROM product_media g WHERE g.product_id = p.id ORDER BY g.position LIMIT 1
                   ) AS thumbnail_media_id, (
                       SELECT coalesce(json_agg(json_build_array(v.min_qty, v.discount_basis_points)
                                                ORDER BY v.min_qty), '[]')
                       FROM volume_discounts v WHERE v.product_id = p.id
                   ) AS tiers
            FROM products p JOIN inventory_items i ON i.product_id = p.id
            WHERE p.id = ANY(CAST(:product_ids AS uuid[])) AND p.deleted_at IS NULL
        ) p
    ) AS products, (
        SELECT json_agg(m) FROM (
            SELECT m.store_id, m.code, m.amount_cents, w.asked
            FROM unnest(CAST(:promo_stores AS uuid[]), CAST(:promo_codes AS text[]), CAST(:promo_asked AS text[]))
                 AS w (store_id, code, asked)
            JOIN promos m ON m.store_id = w.store_id AND m.code = w.code AND m.is_active
        ) m
    ) AS promos
    """,
    _Facts,
)


def read(
    tx: Tx, *, product_ids: Sequence[uuid.UUID], promos: Sequence[tuple[uuid.UUID, str, str]]
) -> tuple[list[QuotedProduct], list[QuotedPromo]]:
    """Return what exists of the products and of the promos, which are (store, code, code as asked)."""
    row = tx.execute(
        _FACTS,
        {
            "product_ids": product_ids,
            "promo_stores": [store_id for store_id, _, _ in promos],
            "promo_codes": [code for _, code, _ in promos],
            "promo_asked": [asked for _, _, asked in promos],
        },
    ).one()
    return [_product(product) for product in row.products or ()], [_promo(promo) for promo in row.promos or ()]


def _product(product: _Product) -> QuotedProduct:
    thumbnail = product["thumbnail_media_id"]
    return QuotedProduct(
        id=uuid.UUID(product["id"]),
        store_id=uuid.UUID(product["store_id"]),
        sku=product["sku"],
        title=product["title"],
        category=product["category"],
        classification=product["classification"],
        strain=product["strain"],
        unit=product["unit"],
        moq=product["moq"],
        max_qty=product["max_qty"],
        price_cents=product["price_cents"],
        currency=product["currency"],
        is_active=product["is_active"],
        available_qty=product["available_qty"],
        tiers=tuple(Tier(*tier) for tier in product["tiers"]),
        thumbnail_media_id=uuid.UUID(thumbnail) if thumbnail else None,
    )


def _promo(promo: _Promo) -> QuotedPromo:
    return QuotedPromo(
        store_id=uuid.UUID(promo["store_id"]),
        code=promo["code"],
        amount_cents=promo["amount_cents"],
        asked=promo["asked"],
    )
