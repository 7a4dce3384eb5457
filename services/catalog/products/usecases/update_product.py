"""Change a product; its new files, if any, are attached by now."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from meshkit.db.engine import constraint_of
from meshkit.errors import NotFound
from meshkit.text import tidy_code
from services.catalog.errors import SkuTaken
from services.catalog.products.data import product_changes, products
from services.catalog.products.domain.percent import format_percent
from services.catalog.products.domain.product import check_quantities
from services.catalog.products.domain.search import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.catalog.products.data.product_changes import OwnProduct
    from services.catalog.products.data.products import VolumeDiscount
    from services.catalog.products.domain.product import ProductChange, ProductColumns, VolumeTier


def update_product(
    tx: Tx, change: ProductChange, *, product_id: uuid.UUID, files: Sequence[tuple[uuid.UUID, str]] | None
) -> None:
    """Change what is given and audit exactly that, before and after.

    `files` is the new gallery, media ids with object keys in order, or None. Raises NotFound, ValidationError, SkuTaken.
    """
    row = product_changes.lock(tx, product_id, store_id=tx.principal.require_store)
    if row is None or row.deleted_at is not None:
        raise NotFound
    wanted = _with_old_spelling(tx, row, change.columns)
    before, after = _differences(row, wanted)
    check_quantities(moq=wanted.get("moq", row.moq), max_qty=wanted.get("max_qty", row.max_qty))
    if after:
        _write(tx, row, wanted, changed=after)
    if change.tiers is not None:
        before["volume_discounts"] = _tiers(products.tiers_of(tx, [product_id]))
        product_changes.remove_tiers(tx, product_id)
        products.add_tiers(tx, product_id, change.tiers)
        after["volume_discounts"] = _tiers(sorted(change.tiers, key=lambda tier: tier.min_qty))
    if files is not None:
        before["media_ids"] = [str(media_id) for media_id in products.media_ids_of(tx, product_id)]
        product_changes.remove_media(tx, product_id)
        products.add_media(tx, product_id, files)
        after["media_ids"] = [str(media_id) for media_id, _ in files]
    tx.audit(target=product_id, before=before, after=after)


def _with_old_spelling(tx: Tx, row: OwnProduct, columns: ProductColumns) -> ProductColumns:
    """Leave an old SKU as it is spelled if only its spelling would change, and to one that a second product has."""
    sku = columns.get("sku", row.sku)
    if sku == row.sku or sku != tidy_code(row.sku) or not products.is_sku_taken(tx, store_id=row.store_id, sku=sku):
        return columns
    return {**columns, "sku": row.sku}


def _write(tx: Tx, row: OwnProduct, wanted: ProductColumns, *, changed: Iterable[str]) -> None:
    values: Mapping[str, object] = wanted
    columns = {name: values[name] for name in changed}
    if "is_active" in columns:
        columns["active_changed_at"] = tx.now
    columns["search_words"] = plain_words(
        wanted.get("title", row.title),
        wanted.get("subtitle", row.subtitle),
        wanted.get("strain", row.strain),
        wanted.get("sku", row.sku),
    )
    try:
        product_changes.change(tx, row.id, columns)
    except IntegrityError as error:
        if constraint_of(error) == "products_store_id_sku_key":
            raise SkuTaken(field="sku") from None
        raise


def _differences(row: OwnProduct, wanted: ProductColumns) -> tuple[dict[str, object], dict[str, object]]:
    """Return the columns that change, before and after, as the audit log holds them."""
    is_now: dict[str, object] = row._asdict()
    changed = {name: value for name, value in wanted.items() if value != is_now[name]}
    return {name: _audited(is_now[name]) for name in changed}, {name: _audited(changed[name]) for name in changed}


def _audited(value: object) -> object:
    return str(value) if isinstance(value, uuid.UUID) else value


def _tiers(tiers: Iterable[VolumeDiscount | VolumeTier]) -> dict[str, str]:
    return {str(tier.min_qty): format_percent(tier.discount_basis_points) for tier in tiers}
