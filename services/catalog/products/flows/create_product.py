"""Create a product: attach its files in media, then record it. Both steps are safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.catalog.errors import MediaUnusable, SkuTaken
from services.catalog.products.data import products
from services.catalog.products.domain.product import NewProduct, check_tiers
from services.catalog.products.flows.attach_gallery import attach_coa, attach_gallery
from services.catalog.products.usecases import create_product as record
from services.catalog.products.usecases.read_product import ProductDetail, read_product

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries


def create_product(
    flow: Flow, new: NewProduct, *, galleries: Galleries, respond: Callable[[ProductDetail], Message]
) -> Message:
    """Return the new product's answer. Raises ValidationError, MediaUnusable, SkuTaken."""
    check_tiers(new.tiers)
    product_id, store_id = derived_id(flow.id, "product"), flow.principal.require_store
    with flow.read() as tx:
        known = products.exists_with_id(tx, product_id)
        if not known and products.is_sku_taken(tx, store_id=store_id, sku=new.description.sku):
            raise SkuTaken(field="sku")
    files = (
        attach_gallery(flow, product_id=product_id, media_ids=new.media_ids, galleries=galleries, field="media_ids")
        if new.media_ids
        else []
    )
    try:
        if new.coa_media_id is not None:
            attach_coa(flow, product_id=product_id, media_id=new.coa_media_id, galleries=galleries)
        with flow.transaction() as tx:
            record.create_product(tx, new, product_id=product_id, files=files)
            return flow.complete(tx, respond(read_product(tx, product_id=product_id)))
    except (SkuTaken, MediaUnusable):
        # The SKU was taken since the check, or the certificate is none: leave no attachment behind.
        if new.media_ids or new.coa_media_id:
            galleries.detach_all(flow.call, product_id=product_id, store_id=store_id)
        raise
