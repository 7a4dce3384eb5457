"""A migration adds columns while carts are read and written: nobody is refused, and nothing has to be done twice."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from marketmesh.commerce.v1 import cart_service_pb2
from meshkit.call import Call
from meshkit.obs.metrics import TX_RETRIES
from services.commerce.cart.data import carts
from services.commerce.orders.data import lifetimes
from tests.commerce.market import Market

TABLES = ("cart_records", "cart_items", "cart_vendor_groups", "vendor_orders")
BUYERS = 3


def test_carts_are_traded_while_columns_are_added(market: Market) -> None:
    buyers = [str(uuid.uuid4()) for _ in range(BUYERS)]
    product = market.product()
    stop, rounds = threading.Event(), threading.Semaphore(0)
    transactions = market.mesh.process("commerce").transactions
    for buyer in buyers:
        market.gate(buyer, type="buyer", name="Buyer", subscription_active=False)

    def trade(buyer: str) -> int:
        token = market.mesh.store_token(buyer, store_type="buyer")
        done = 0
        try:
            while not stop.is_set():
                quote = market.send_quote(market.quote_request((product, 1), buyer=buyer), token=token)
                shown = market.mesh.read(market.carts.GetCart, cart_service_pb2.GetCartRequest(), token=token)
                assert shown.id == quote.id
                with transactions.write(Call()) as tx:
                    assert len(carts.items_to_buy(tx, uuid.UUID(quote.id))) == 1
                    assert lifetimes.expire(tx, []) == lifetimes.remind(tx, []) == []
                done += 1
                rounds.release()
        finally:
            # Who stops early does not keep the migration waiting.
            rounds.release(1000)
        return done

    def let_trade() -> None:
        for _ in range(3 * BUYERS):
            assert rounds.acquire(timeout=60)

    before = TX_RETRIES.labels("stale_plan")._value.get()
    with ThreadPoolExecutor(BUYERS) as pool:
        trading = [pool.submit(trade, buyer) for buyer in buyers]
        try:
            let_trade()
            for table in TABLES:
                change(market, f"ALTER TABLE {table} ADD COLUMN added_under_load integer")
                let_trade()
        finally:
            stop.set()
    done = [each.result() for each in trading]
    for table in TABLES:
        change(market, f"ALTER TABLE {table} DROP COLUMN added_under_load")

    assert min(done) > 0
    assert TX_RETRIES.labels("stale_plan")._value.get() == before


def change(market: Market, statement: str) -> None:
    with market.mesh.as_owner("commerce") as tx:
        tx.execute(text(statement))
