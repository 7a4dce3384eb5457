"""Rows and results to messages, one function per message."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import (
    catalog_internal_service_pb2,
    inventory_service_pb2,
    product_pb2,
    product_service_pb2,
)
from services.catalog.products.domain.percent import format_percent
from services.catalog.stock.domain.stock import is_low

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from services.catalog.products.data.products import ListedProduct, ShownProduct, VolumeDiscount
    from services.catalog.products.domain.quoted import QuotedProduct, Tier
    from services.catalog.products.usecases.explain_visibility import Explanation
    from services.catalog.products.usecases.read_product import ProductDetail
    from services.catalog.stock.domain.stock import Stocked


_NO_URLS: Mapping[uuid.UUID, str] = MappingProxyType({})


def shown_in(rows: Iterable[ShownProduct]) -> list[uuid.UUID | None]:
    """Return the files that a list of products shows: pictures and vendors' logos."""
    return [media_id for row in rows for media_id in (row.thumbnail_media_id, row.vendor_logo_media_id)]


def summary_message(row: ShownProduct, urls: Mapping[uuid.UUID, str] = _NO_URLS) -> product_pb2.ProductSummary:
    """Return one row of the grid, with its picture and its vendor's logo if their URLs are among `urls`."""
    logo, thumbnail = row.vendor_logo_media_id, row.thumbnail_media_id
    message = product_pb2.ProductSummary(
        id=str(row.id),
        sku=row.sku,
        title=row.title,
        subtitle=row.subtitle,
        category=row.category,
        classification=row.classification,
        unit=row.unit,
        moq=row.moq,
        max_qty=row.max_qty,
        price_cents=row.price_cents,
        compare_at_price_cents=row.compare_at_price_cents,
        currency=row.currency,
        thc_percent=_percent(row.thc_basis_points),
        cbd_percent=_percent(row.cbd_basis_points),
        has_promo=row.has_promo,
        vendor_store_id=str(row.store_id),
        vendor=product_pb2.VendorSummary(
            store_id=str(row.store_id),
            company_name=row.vendor_name or "",
            state=row.vendor_state or "",
            logo_media_id=str(logo or ""),
            logo_url=urls.get(logo, "") if logo else "",
        ),
        coa_added=row.coa_media_id is not None,
        is_active=row.is_active,
        is_featured=row.is_featured,
        in_stock=row.available_qty >= row.moq,
        thumbnail_media_id=str(thumbnail or ""),
        thumbnail_url=urls.get(thumbnail, "") if thumbnail else "",
    )
    message.created_at.FromDatetime(row.created_at)
    message.updated_at.FromDatetime(row.updated_at)
    return message


def own_summary_message(row: ShownProduct, urls: Mapping[uuid.UUID, str] = _NO_URLS) -> product_pb2.ProductSummary:
    """Return one row of the vendor's own table, with its inventory."""
    message = summary_message(row, urls)
    message.inventory.CopyFrom(inventory_message(row))
    return message


def product_message(
    detail: ProductDetail, *, is_own: bool, urls: Mapping[uuid.UUID, str] = _NO_URLS
) -> product_pb2.Product:
    """Return a product; what is in stock is only its vendor's business."""
    row = detail.row
    return product_pb2.Product(
        summary=own_summary_message(row, urls) if is_own else summary_message(row, urls),
        body_html=row.body_html,
        strain=row.strain,
        feelings=row.feelings,
        flavors=row.flavors,
        usage=row.usages,
        volume_discounts=[tier_message(tier) for tier in detail.tiers],
        media_ids=[str(media_id) for media_id in detail.media_ids],
        coa_media_id=str(row.coa_media_id or ""),
        batch_id=row.batch_id,
        metric_tag=row.metric_tag,
        barcode=row.barcode,
        packaging_type=row.packaging_type,
        media=[
            product_pb2.ProductPicture(media_id=str(media_id), url=urls.get(media_id, ""))
            for media_id in detail.media_ids
        ],
        coa_url=urls.get(row.coa_media_id, "") if row.coa_media_id else "",
    )


def inventory_message(stock: Stocked) -> product_pb2.Inventory:
    """Return what there is of a product."""
    return product_pb2.Inventory(
        available_qty=stock.available_qty,
        reserved_qty=stock.reserved_qty,
        low_stock_threshold=stock.low_stock_threshold,
    )


def inventory_item_message(row: ListedProduct) -> inventory_service_pb2.InventoryItem:
    """Return one row of a vendor's stock."""
    return inventory_service_pb2.InventoryItem(
        product=own_summary_message(row),
        low_stock=is_low(available_qty=row.available_qty, low_stock_threshold=row.low_stock_threshold),
    )


def tier_message(tier: VolumeDiscount | Tier) -> product_pb2.VolumeDiscount:
    """Return a volume discount."""
    return product_pb2.VolumeDiscount(min_qty=tier.min_qty, discount_percent=format_percent(tier.discount_basis_points))


def visibility_message(explanation: Explanation) -> product_service_pb2.ProductVisibility:
    """Return why buyers see a product or not."""
    message = product_service_pb2.ProductVisibility(
        product_id=str(explanation.product_id),
        visible=all(gate.open for gate in explanation.gates),
        in_stock=explanation.in_stock,
    )
    for gate in explanation.gates:
        state = message.gates.add(gate=gate.name.value, open=gate.open, value=gate.value, fix=gate.fix)
        if gate.since is not None:
            state.since.FromDatetime(gate.since)
    return message


def quote_product_message(product: QuotedProduct) -> catalog_internal_service_pb2.QuoteProduct:
    """Return what a quote needs of a product."""
    return catalog_internal_service_pb2.QuoteProduct(
        product_id=str(product.id),
        vendor_store_id=str(product.store_id),
        sku=product.sku,
        title=product.title,
        category=product.category,
        classification=product.classification,
        strain=product.strain,
        unit=product.unit,
        moq=product.moq,
        max_qty=product.max_qty,
        price_cents=product.price_cents,
        currency=product.currency,
        is_active=product.is_active,
        available_qty=product.available_qty,
        volume_discounts=[tier_message(tier) for tier in product.tiers],
        thumbnail_media_id=str(product.thumbnail_media_id or ""),
    )


def _percent(basis_points: int | None) -> str:
    return "" if basis_points is None else format_percent(basis_points)
