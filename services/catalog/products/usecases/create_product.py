"""Record a product whose files are attached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from meshkit.db.engine import constraint_of
from meshkit.ids import new_id
from services.catalog.errors import SkuTaken
from services.catalog.products.data import products
from services.catalog.products.domain.product import CURRENCY, NewProduct
from services.catalog.products.domain.search import plain_words
from services.catalog.stock.domain.stock import Cause, Movement, MovementKind
from services.catalog.stock.usecases.open_inventory import open_inventory

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def create_product(tx: Tx, new: NewProduct, *, product_id: uuid.UUID, files: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Insert the product with its inventory, tiers and gallery; again with the same id changes nothing.

    `files` are media ids with their object keys, in order. Raises SkuTaken.
    """
    if products.exists_with_id(tx, product_id):
        return
    store_id, what = tx.principal.require_store, new.description
    try:
        products.add(
            tx,
            id=product_id,
            store_id=store_id,
            currency=CURRENCY,
            coa_media_id=new.coa_media_id,
            search_words=plain_words(what.title, what.subtitle, what.strain, what.sku),
            **vars(what),
        )
    except IntegrityError as error:
        if constraint_of(error) == "products_store_id_sku_key":
            raise SkuTaken(field="sku") from None
        raise
    start = Movement(new_id(), product_id, MovementKind.RECEIVED, new.available_qty, new.low_stock_threshold)
    open_inventory(tx, [start], cause=Cause.PRODUCT)
    products.add_tiers(tx, product_id, new.tiers)
    products.add_media(tx, product_id, files)
    tx.audit(
        target=product_id,
        after={
            "sku": what.sku,
            "price_cents": what.price_cents,
            "is_active": what.is_active,
            "available_qty": new.available_qty,
            "media_ids": [str(media_id) for media_id, _ in files],
            "coa_media_id": str(new.coa_media_id or ""),
        },
    )
    tx.emit(
        events.ProductCreated(product_id=str(product_id), vendor_store_id=str(store_id), sku=what.sku, title=what.title)
    )
