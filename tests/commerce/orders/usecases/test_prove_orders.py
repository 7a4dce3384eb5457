"""The proof finds each kind of contradiction; rows are broken on purpose and put right again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import text

from services.commerce.orders.data import proofs
from services.commerce.orders.usecases.prove_orders import prove_orders
from services.commerce.schema.orders import vendor_orders
from tests.commerce.market import Market


class Undo(Exception):
    """Takes a test's damage back."""


BREAKS = {
    "surviving lines": (
        (
            "UPDATE order_line_items SET line_subtotal_cents = line_subtotal_cents + 1, total_cents = total_cents + 1"
            " WHERE order_id = CAST(:id AS uuid)"
        ),
        (
            "UPDATE order_line_items SET line_subtotal_cents = line_subtotal_cents - 1, total_cents = total_cents - 1"
            " WHERE order_id = CAST(:id AS uuid)"
        ),
    ),
    "balance due": (
        "UPDATE vendor_orders SET balance_due_cents = 1 WHERE id = CAST(:id AS uuid)",
        "UPDATE vendor_orders SET balance_due_cents = total_cents WHERE id = CAST(:id AS uuid)",
    ),
    "converted cart": (
        (
            "UPDATE cart_records c SET checkout_group_id = c.id FROM vendor_orders o"
            " WHERE c.id = o.cart_id AND o.id = CAST(:id AS uuid)"
        ),
        (
            "UPDATE cart_records c SET checkout_group_id = o.checkout_group_id FROM vendor_orders o"
            " WHERE c.id = o.cart_id AND o.id = CAST(:id AS uuid)"
        ),
    ),
    "without an accepted line": (
        "UPDATE vendor_orders SET status = 'accepted' WHERE id = CAST(:id AS uuid)",
        "UPDATE vendor_orders SET status = 'created_pending' WHERE id = CAST(:id AS uuid)",
    ),
    "rejected order with a line": (
        "UPDATE vendor_orders SET status = 'rejected' WHERE id = CAST(:id AS uuid)",
        "UPDATE vendor_orders SET status = 'created_pending' WHERE id = CAST(:id AS uuid)",
    ),
    "expired order with a line": (
        "UPDATE vendor_orders SET status = 'expired', expired_at = created_at WHERE id = CAST(:id AS uuid)",
        "UPDATE vendor_orders SET status = 'created_pending', expired_at = NULL WHERE id = CAST(:id AS uuid)",
    ),
    "the lines it lost": (
        "UPDATE vendor_orders SET status = 'expired', expired_at = created_at WHERE id = CAST(:id AS uuid)",
        "UPDATE vendor_orders SET status = 'created_pending', expired_at = NULL WHERE id = CAST(:id AS uuid)",
    ),
    "finished attempt": (
        (
            "UPDATE checkout_attempts a SET state = 'failed', response = NULL FROM vendor_orders o"
            " WHERE o.cart_id = a.cart_id AND o.id = CAST(:id AS uuid)"
        ),
        (
            "UPDATE checkout_attempts a SET state = 'converted', response = '' FROM vendor_orders o"
            " WHERE o.cart_id = a.cart_id AND o.id = CAST(:id AS uuid)"
        ),
    ),
}

_LIE = "UPDATE vendor_orders SET {} WHERE id = CAST(:id AS uuid)"
_RETRY = (
    "INSERT INTO order_retries (order_id, checkout_group_id, state, started_at, response)"
    " SELECT id, {}, created_at, {} FROM vendor_orders WHERE id = CAST(:id AS uuid)"
)
_SETTLEMENT = (
    "INSERT INTO order_settlements (order_id, refunded_cents, vendor_paid_at, payout_returned_at)"
    " SELECT id, {}, created_at, {} FROM vendor_orders WHERE id = CAST(:id AS uuid)"
)
_STEPS = "INSERT INTO order_delivery_steps (order_id, {}) SELECT id, {} FROM vendor_orders WHERE id = CAST(:id AS uuid)"
# What cannot be put right by one statement: told in a transaction that is taken back.
LIES = [
    ("called off although its goods had left", _LIE.format("status = 'canceled', shipping_status = 'in_transit'")),
    ("not where the order is", _LIE.format("status = 'in_transit'")),
    ("not where the order is", _STEPS.format("picked_up_at, picked_up_by", "created_at, id")),
    ("not where the order is", _STEPS.format("delivered_by", "id")),
    ("than the order costs", _SETTLEMENT.format("total_cents + 1", "NULL")),
    ("although the payout came back", _SETTLEMENT.format("0", "NULL")),
    (
        "although the payout came back",
        f"WITH s AS ({_SETTLEMENT.format('0', 'created_at')})" + _LIE.format("payment_status = 'paid'"),
    ),
    ("finished retry", _RETRY.format("checkout_group_id, 'reserving'", "NULL")),
    ("finished retry", _RETRY.format("id, 'converted'", "''")),
    ("same cart and parties", _RETRY.format("checkout_group_id, 'converted'", "''")),
]
# Of these the database itself lets no row come into being.
KEPT_BY_THE_DATABASE = {
    "more than one order of a checkout at one vendor": "vendor_orders_checkout_group_id_vendor_store_id_key"
}


class TestProveOrders:
    @pytest.mark.parametrize("sentence", list(BREAKS))
    def test_finds_what_contradicts_itself(self, market: Market, sentence: str) -> None:
        order = market.order()
        broken, repaired = BREAKS[sentence]
        with market.mesh.transaction("commerce") as tx:
            tx.execute(text(broken), {"id": order.order_id})

        found = market.prove()
        with market.mesh.transaction("commerce") as tx:
            tx.execute(text(repaired), {"id": order.order_id})

        assert any(sentence in violation for violation in found)
        assert market.prove() == []

    @pytest.mark.parametrize(("sentence", "lie"), LIES)
    def test_finds_what_is_taken_back(self, market: Market, sentence: str, lie: str) -> None:
        order = market.order()
        found = []
        with suppress(Undo), market.mesh.transaction("commerce") as tx:
            tx.execute(text(lie), {"id": order.order_id})
            found = prove_orders(tx)
            raise Undo

        assert any(sentence in each and order.order_id in each for each in found)

    def test_is_shown_to_find_every_kind(self) -> None:
        """Every sentence of the proof stands above, or is a constraint of the table."""
        constraints = {constraint.name for constraint in vendor_orders.constraints}
        shown = (*BREAKS, *(sentence for sentence, _ in LIES))
        unshown = {
            sentence for sentence in proofs._PROOFS if not any(part in sentence for part in shown)
        } - KEPT_BY_THE_DATABASE.keys()

        assert unshown == set()
        assert set(KEPT_BY_THE_DATABASE.values()) <= constraints
