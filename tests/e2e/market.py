"""Who trades in the end-to-end tests, and their usual doings."""

from __future__ import annotations

import uuid
from typing import Any

from deploy.tools.people import Cast, address
from deploy.tools.rest_client import RestClient
from deploy.tools.running_mesh import RunningMesh
from deploy.tools.story import People, Story, product_body
from deploy.tools.waiting import until


class Market:
    """A verified vendor and buyer, a foreign pair, and an agent, made once."""

    def __init__(self, mesh: RunningMesh) -> None:
        self.cast = Cast(mesh.url)
        self.story = Story(self.cast)
        admin = self.cast.admin()
        self.people = People(
            admin=admin,
            agent=self.cast.agent(admin),
            vendor_a=self.cast.store("vendor-a", store_type="vendor"),
            vendor_b=self.cast.store("vendor-b", store_type="vendor"),
            buyer=self.cast.store("buyer", store_type="buyer"),
            outsider=self.cast.store("outsider", store_type="buyer", state="TX"),
        )
        self.other_agent = self.cast.agent(admin, name="agent-two")
        self.story.people_get_verified(self.people)
        self.cast.verify(self.people.outsider, admin, name="outsider", state="TX")

    @property
    def buyer(self) -> RestClient:
        return self.people.buyer.client

    @property
    def vendor(self) -> RestClient:
        return self.people.vendor_a.client

    def product(self, **extra: Any) -> dict[str, Any]:
        body = product_body(
            f"p-{uuid.uuid4().hex[:10]}", volume_discounts=[], **{"price_cents": "500", "moq": 1, **extra}
        )
        product: dict[str, Any] = self.vendor.post("/api/v1/vendor/products", body)["summary"]
        return product

    def quote(self, *products: tuple[dict[str, Any], int]) -> dict[str, Any]:
        items = [
            {"product_id": product["id"], "vendor_store_id": product["vendor_store_id"], "quantity": quantity}
            for product, quantity in products
        ]
        body = {"buyer_store_id": self.people.buyer.store_id, "items": items}

        def valid() -> Any:
            answer = self.buyer.post("/api/v1/cart", body)
            return answer if all(group["status"] == "ok" for group in answer["vendor_groups"]) else None

        return until("a valid quote", valid)

    def checkout_body(self, cart: dict[str, Any]) -> dict[str, Any]:
        return {
            "cart_id": cart["id"],
            "quote_version": cart["quote_version"],
            "shipping_address": address(),
            "payment_method": "cash",
        }

    def order(self) -> dict[str, Any]:
        cart = self.quote((self.product(), 1))
        answer = self.buyer.post("/api/v1/checkout", self.checkout_body(cart), expect=201)
        order: dict[str, Any] = answer["vendor_orders"][0]
        return order
