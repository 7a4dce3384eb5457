"""The market a benchmark trades in: two verified vendors, products with much stock, and a buyer with a quote per checkout."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.http_load import Request, run
from deploy.tools.connection import transactions_of
from deploy.tools.people import Cast, address
from deploy.tools.story import product_body
from deploy.tools.waiting import until
from meshkit.call import Call
from services.identity.outbound.tokens import AccessClaims, TokenMint

STOCK = 1_000_000
PRODUCTS_PER_VENDOR = 20
LINES_PER_VENDOR = 3

_GATE = text(
    "INSERT INTO store_gates (store_id, type, name, state, kyc_status, subscription_active, version)"
    " SELECT id, 'buyer', 'bench', 'OK', 'verified', false, 1 FROM unnest(CAST(:ids AS uuid[])) AS id"
)
_CARTS = text(
    "SELECT id, buyer_store_id, quote_version FROM cart_records WHERE status = 'active' AND buyer_store_id = ANY(:ids)"
)


@dataclass
class Market:
    """Who sells what, at which gateway."""

    url: str
    port: int
    products: list[tuple[str, str]]
    buyer_token: str

    @classmethod
    def open(cls, url: str) -> Market:
        """Register and verify two vendors and give them products."""
        cast = Cast(url)
        admin = cast.admin()
        products = []
        for name in ("vendor-one", "vendor-two"):
            vendor = cast.store(name, store_type="vendor")
            cast.verify(vendor, admin, name=name)
            cast.subscribe(vendor, admin, name=name)
            for number in range(PRODUCTS_PER_VENDOR):
                body = product_body(f"{name}-{number}", price_cents="1000", moq=1, inventory={"available_qty": STOCK})
                summary = vendor.client.post("/api/v1/vendor/products", body)["summary"]
                products.append((summary["id"], summary["vendor_store_id"]))
        buyer = cast.store("bench-buyer", store_type="buyer")
        cast.verify(buyer, admin, name="bench-buyer")
        grid = "/api/v1/products"
        until("products in the grid", lambda: len(buyer.client.get(grid)["items"]) >= 25)
        return cls(url, int(url.rpartition(":")[2]), products, buyer.client.access_token)

    def checkouts(self, count: int, *, hot: bool = False) -> list[Request]:
        """Return checkouts of `count` buyers, each with a fresh quote of 2 vendors × 3 lines (or one hot product)."""
        buyers = [uuid.uuid4() for _ in range(count)]
        commerce = transactions_of("commerce")
        with commerce.write(Call()) as tx:
            tx.execute(_GATE, {"ids": buyers})
        tokens = {buyer: _token(buyer) for buyer in buyers}
        quotes = [self._quote(buyer, tokens[buyer], number, hot=hot) for number, buyer in enumerate(buyers)]
        outcome = run("127.0.0.1", self.port, quotes, connections=4)
        if outcome.unexpected:
            raise SystemExit(f"bench: a quote was refused: {outcome.unexpected[0]}")
        with commerce.read(Call()) as tx:
            carts = {row.buyer_store_id: row for row in tx.execute(_CARTS, {"ids": buyers})}
        commerce.database.close()
        return [self._checkout(carts[buyer], tokens[buyer]) for buyer in buyers]

    def _quote(self, buyer: uuid.UUID, token: str, number: int, *, hot: bool) -> Request:
        half = PRODUCTS_PER_VENDOR
        picks = [0] if hot else [
            vendor * half + (number * LINES_PER_VENDOR + line) % half for vendor in (0, 1) for line in range(LINES_PER_VENDOR)
        ]  # fmt: skip
        items = [
            {"product_id": self.products[pick][0], "vendor_store_id": self.products[pick][1], "quantity": 1}
            for pick in picks
        ]
        return _post("/api/v1/cart", token, {"buyer_store_id": str(buyer), "items": items}, expect=200)

    def _checkout(self, cart: Any, token: str) -> Request:
        body = {
            "cart_id": str(cart.id),
            "quote_version": cart.quote_version,
            "shipping_address": address(),
            "payment_method": "cash",
        }
        return _post("/api/v1/checkout", token, body, expect=201)

    def reads(self, count: int) -> list[Request]:
        """Return reads of single products."""
        headers = {"authorization": f"Bearer {self.buyer_token}"}
        return [
            Request.of("GET", f"/api/v1/products/{self.products[number % len(self.products)][0]}", headers=headers)
            for number in range(count)
        ]


def _post(path: str, token: str, body: dict[str, object], *, expect: int) -> Request:
    headers = {
        "authorization": f"Bearer {token}",
        "idempotency-key": uuid.uuid4().hex,
        "content-type": "application/json",
    }
    return Request.of("POST", path, headers=headers, body=json.dumps(body).encode(), expect=expect)


def _token(store_id: uuid.UUID) -> str:
    mint = TokenMint(
        signing_key_file=Path(os.environ["IDENTITY_SIGNING_KEY_FILE"]), access_lifetime=timedelta(minutes=15)
    )
    claims = AccessClaims(
        audience="marketmesh.store",
        user_id=uuid.uuid4(),
        session_id=uuid.uuid4(),
        role="owner",
        store_id=store_id,
        store_type="buyer",
        kyc_status="verified",
    )
    return mint.access_token(claims, now=datetime.now(UTC))
