"""Every list and every sweep finds its rows by an index, at 100 000 products."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.cursor import Cursor, Page
from meshkit.db.tx import Tx
from services.catalog.products.data import products
from services.catalog.products.domain.filters import Filters
from services.catalog.stock.data import reservations, stock_movements

if TYPE_CHECKING:
    from collections.abc import Iterator

from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction, plan_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STORE = uuid.UUID(int=7)
PAGE = Page(limit=25, after=None)
LATER = Page(limit=25, after=Cursor(NOW, uuid.UUID(int=1)))

# 200 vendors in two states, 500 products each; seedlings are rare.
_FILL = text("""
INSERT INTO store_gates
SELECT lpad(to_hex(n), 32, '0')::uuid, 'vendor', 'Vendor ' || n, chr(65 + n % 2) || 'Z', 'verified', true, 1
FROM generate_series(1, 200) AS n;
INSERT INTO products (id, store_id, sku, title, subtitle, body_html, strain, category, unit, feelings, flavors, usages,
    moq, max_qty, price_cents, compare_at_price_cents, currency, is_active, is_featured, search_words, created_at,
    updated_at)
SELECT gen_random_uuid(), lpad(to_hex(1 + n % 200), 32, '0')::uuid, 'sku' || n, 'Title', '', '', '',
    CASE WHEN n % 997 = 0 THEN 'seedling' ELSE 'flower' END, 'gram', '{}', '{}', '{}', 1, 0, n, 0, 'USD',
    n % 50 <> 0, false, 'title ' || md5(n::text) || ' sku' || n, TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute', now()
FROM generate_series(1, 100000) AS n;
INSERT INTO inventory_items SELECT id, 10, 0, 0, 10, 0, now() FROM products WHERE sku LIKE 'sku%' AND title = 'Title';
INSERT INTO volume_discounts SELECT id, 10, 500 FROM products WHERE sku LIKE 'sku%' AND title = 'Title';
INSERT INTO product_media SELECT id, 0, id, '' FROM products WHERE sku LIKE 'sku%' AND title = 'Title';
INSERT INTO stock_movements
SELECT gen_random_uuid(), product_id, 'received', 10, 10, '', 'product', 'test', NULL, '', now() FROM inventory_items;
INSERT INTO reservations
SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1,
    CASE n % 100 WHEN 0 THEN 'reserved' ELSE 'released' END, '', TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 hour', now(), now()
FROM generate_series(1, 20000) AS n;
ANALYZE products; ANALYZE inventory_items; ANALYZE stock_movements; ANALYZE store_gates; ANALYZE reservations;
ANALYZE volume_discounts; ANALYZE product_media;
""")


@pytest.fixture(scope="module")
def filled(session_mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction that sees many rows and is rolled back in the end."""
    session_mesh.start("catalog")
    url = session_mesh.stack.addresses.database_url("catalog", kind="owner")
    with owner_transaction(url, now=NOW) as tx:
        tx.execute(_FILL)
        yield tx


class TestListPlans:
    @pytest.mark.parametrize("page", [PAGE, LATER])
    def test_the_grid_walks_the_newest_products(self, filled: Tx, page: Page) -> None:
        plan = plan_of(filled, lambda: products.page_of_listed(filled, state="BZ", filters=Filters(), page=page))

        assert "products_listed_idx" in plan
        assert "Sort" not in plan
        assert "Seq Scan on products" not in plan

    def test_a_category_has_an_order_of_its_own(self, filled: Tx) -> None:
        filters = Filters(category="seedling")

        plan = plan_of(filled, lambda: products.page_of_listed(filled, state="BZ", filters=filters, page=PAGE))

        assert "products_listed_category_idx" in plan

    def test_a_search_uses_words_and_trigrams(self, filled: Tx) -> None:
        filters = Filters(words="sku777", prefixes="sku777:*")

        plan = plan_of(filled, lambda: products.page_of_listed(filled, state="BZ", filters=filters, page=PAGE))

        assert "products_words_idx" in plan
        assert "products_trigrams_idx" in plan

    @pytest.mark.parametrize("page", [PAGE, LATER])
    def test_the_vendor_table_walks_the_stores_products(self, filled: Tx, page: Page) -> None:
        plan = plan_of(filled, lambda: products.page_of_store(filled, STORE, filters=Filters(), page=page))

        assert "products_store_id_created_at_idx" in plan
        assert "Sort" not in plan

    def test_filters_walk_the_same_indexes(self, filled: Tx) -> None:
        # What many products have: of a filter that leaves hardly any, all have to be looked at in whatever way.
        filters = Filters(category="flower", price_min_cents=1, price_max_cents=90_000, has_promo=True)

        grid = plan_of(filled, lambda: products.page_of_listed(filled, state="BZ", filters=filters, page=PAGE))
        table = plan_of(filled, lambda: products.page_of_store(filled, STORE, filters=filters, page=PAGE))

        for plan in (grid, table):
            assert "Seq Scan on products" not in plan
            assert "Seq Scan on inventory_items" not in plan

    def test_what_has_a_promo_is_found_while_walking(self, filled: Tx) -> None:
        filters = Filters(has_promo=True)

        plan = plan_of(filled, lambda: products.page_of_listed(filled, state="BZ", filters=filters, page=PAGE))

        assert "products_listed_idx" in plan
        assert "Sort" not in plan
        assert "Seq Scan on inventory_items" not in plan

    def test_a_vendor_searches_by_words_and_trigrams(self, filled: Tx) -> None:
        filters = Filters(words="sku777", prefixes="sku777:*")

        plan = plan_of(filled, lambda: products.page_of_store(filled, STORE, filters=filters, page=PAGE))

        assert "products_words_idx" in plan
        assert "products_trigrams_idx" in plan
        assert "Seq Scan on products" not in plan

    @pytest.mark.parametrize("page", [PAGE, LATER])
    @pytest.mark.parametrize("low_stock_only", [False, True])
    def test_the_inventory_list_walks_the_stores_products(
        self, filled: Tx, page: Page, *, low_stock_only: bool
    ) -> None:
        plan = plan_of(filled, lambda: products.page_of_stock(filled, STORE, low_stock_only=low_stock_only, page=page))

        assert "products_store_id_created_at_idx" in plan
        assert "inventory_items_pk" in plan
        assert "Seq Scan" not in plan.replace("Seq Scan on promos", "").replace("Seq Scan on store_gates", "")


class TestStockMovementPlans:
    @pytest.mark.parametrize("page", [PAGE, LATER])
    def test_the_history_of_a_product_is_found_by_index(self, filled: Tx, page: Page) -> None:
        plan = plan_of(filled, lambda: stock_movements.page_of(filled, uuid.uuid4(), page=page))

        assert "stock_movements_product_id_created_at_idx" in plan
        assert "Sort" not in plan


class TestReservationPlans:
    def test_the_sweep_reads_only_what_is_due(self, filled: Tx) -> None:
        assert "reservations_expires_at_idx" in plan_of(filled, lambda: reservations.due(filled, limit=500))

    def test_groups_and_orders_are_found_by_index(self, filled: Tx) -> None:
        group = plan_of(filled, lambda: reservations.of_group(filled, uuid.uuid4()))
        order = plan_of(filled, lambda: reservations.of_order(filled, uuid.uuid4()))

        assert "reservations_group_id_idx" in group
        assert "reservations_order_id_idx" in order
