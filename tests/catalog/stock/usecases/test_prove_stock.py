"""The proof finds what does not add up."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import text

from services.catalog.stock.usecases.prove_stock import prove_stock
from tests.catalog.shop import Checkout, Shop


class _Undo(Exception):
    """Takes a test's damage back."""


class TestProveStock:
    @pytest.mark.parametrize(
        ("damage", "finding"),
        [
            (
                "UPDATE inventory_items SET reserved_qty = 1, available_qty = 9 WHERE product_id = :id",
                "reserved = 1, its lines = 4",
            ),
            (
                "UPDATE inventory_items SET consumed_qty = 1, received_qty = 11 WHERE product_id = :id",
                "consumed = 1, its lines = 0",
            ),
            (
                "UPDATE inventory_items SET available_qty = 9, received_qty = 13 WHERE product_id = :id",
                "received = 13, its movements = 10",
            ),
            ("UPDATE reservations SET state = 'consumed' WHERE product_id = :id", "reserved = 4, its lines = 0"),
            ("UPDATE reservations SET product_id = line_id WHERE product_id = :id", "holds stock of no product"),
        ],
    )
    def test_names_what_is_wrong(self, shop: Shop, damage: str, finding: str) -> None:
        product = shop.product(available=10)
        shop.reserve(Checkout.of((product, 4)))

        with suppress(_Undo), shop.mesh.transaction("catalog") as tx:
            tx.execute(text(damage), {"id": product})
            violations = prove_stock(tx)
            raise _Undo

        assert any(finding in violation for violation in violations)
