"""Read many products: the grid of a buyer, the table of a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from services.catalog.products.data import products
from services.catalog.store_gates.usecases.read_store_gates import read_store_gates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.catalog.products.data.products import ListedProduct
    from services.catalog.products.domain.filters import Filters
    from services.catalog.store_gates.domain.visibility import Gate


def list_products(
    tx: Tx, *, state: str, filters: Filters, page: Page, unverified: bool
) -> tuple[Sequence[ListedProduct], str]:
    """Return what the caller's store may see, newest first, and the next cursor.

    A store without a verified licence sees nothing unless `unverified` ones do. Raises ValidationError when `state` is
    given and not the store's own.
    """
    reader = tx.principal.require_store
    gate = read_store_gates(tx, reader).get(reader)
    _check_state(gate, state)
    if gate is None or not gate.may_browse(unverified=unverified):
        return [], ""
    rows = products.page_of_listed(tx, state=gate.state, filters=filters, page=page)
    return page.cut(rows, products.cursor_of)


def list_vendor_products(tx: Tx, *, state: str, filters: Filters, page: Page) -> tuple[Sequence[ListedProduct], str]:
    """Return all products of the caller's store, inactive ones included, newest first, and the next cursor.

    Raises ValidationError when `state` is given and not the store's own.
    """
    store_id = tx.principal.require_store
    if state:
        _check_state(read_store_gates(tx, store_id).get(store_id), state)
    rows = products.page_of_store(tx, store_id, filters=filters, page=page)
    return page.cut(rows, products.cursor_of)


def _check_state(gate: Gate | None, state: str) -> None:
    if gate is not None and state and state != gate.state:
        raise ValidationError.of("state", "must be your own store's state")


def list_inventory(tx: Tx, *, low_stock_only: bool, page: Page) -> tuple[Sequence[ListedProduct], str]:
    """Return the stock of the caller's store with its products, newest first, and the next cursor."""
    rows = products.page_of_stock(tx, tx.principal.require_store, low_stock_only=low_stock_only, page=page)
    return page.cut(rows, products.cursor_of)
