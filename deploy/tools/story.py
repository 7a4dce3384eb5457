"""The main story, every step a REST call through the gateway: from registration to payout. Run by `marketmesh demo`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from deploy.tools.checks import check
from deploy.tools.delivery_chapter import deliver_with_code, deliver_with_photo, hand_cash_in
from deploy.tools.people import Cast, Person, address, registration
from deploy.tools.waiting import until

# A PNG of one transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea7"
    "9a81a40000000049454e44ae426082"
)


@dataclass
class People:
    """Who plays."""

    admin: Person
    agent: Person
    vendor_a: Person
    vendor_b: Person
    buyer: Person
    outsider: Person


@dataclass
class Bought:
    """What came out of the checkout."""

    cart_id: str
    order_a: dict[str, Any]
    order_b: dict[str, Any]


class Story:
    """Tells the story once; every call is noted in the cast's journal."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    def tell(self) -> None:
        """Run it from the first registration to the last number. Raises StoryBroken, Unexpected, TookTooLong."""
        people = self.people_get_accounts()
        self.people_get_verified(people)
        products = self.vendors_create_products(people)
        self.buyers_browse(people, products)
        bought = self.buyer_checks_out(people, products)
        self.vendors_decide(people, bought)
        self.agent_delivers(people, bought)
        self.admin_pays_out(people, bought)
        self.everybody_reads(people, bought)
        self.ads_are_served(people)

    def people_get_accounts(self) -> People:
        """Register and sign in everybody; rotate, switch store, sign out."""
        cast = self.cast
        admin = cast.admin()
        people = People(
            admin=admin,
            agent=cast.agent(admin),
            vendor_a=cast.store("vendor-a", store_type="vendor"),
            vendor_b=cast.store("vendor-b", store_type="vendor"),
            buyer=cast.store("buyer", store_type="buyer"),
            outsider=cast.store("outsider", store_type="buyer", state="TX"),
        )
        old = people.buyer.client.refresh_token
        people.buyer.client.refresh(title="Buyer refreshes the tokens")
        check(people.buyer.client.refresh_token != old, "a refresh rotates the refresh token")
        self._second_store(people.vendor_a)
        self._sign_out_elsewhere(people.buyer)
        return people

    def _second_store(self, vendor: Person) -> None:
        first = vendor.store_id
        body = registration(vendor.email, f"Second {self.cast.tag}", store_type="vendor", state="OK")
        vendor.client.sign_in("/api/v1/auth/register", body, title="Vendor A registers a second store")
        vendor.client.switch_store(first, title="Vendor A switches back to the first store")

    def _sign_out_elsewhere(self, person: Person) -> None:
        other = self.cast.client()
        login = {"email": person.email, "password": registration("", "", store_type="", state="")["password"]}
        other.sign_in("/api/v1/auth/login", login, title="Buyer signs in on a second device")
        other.post("/api/v1/auth/logout", {}, title="Buyer signs out there")
        other.refresh_token = ""
        until("the signed-out token is refused", lambda: _is_refused(other))

    def people_get_verified(self, people: People) -> None:
        """Upload, file and verify licences; vendors get subscriptions."""
        for name, person in (("vendor-a", people.vendor_a), ("vendor-b", people.vendor_b), ("buyer", people.buyer)):
            self.cast.verify(person, people.admin, name=name)
        self.cast.subscribe(people.vendor_a, people.admin, name="vendor-a")
        self.cast.subscribe(people.vendor_b, people.admin, name="vendor-b")

    def vendors_create_products(self, people: People) -> dict[str, Any]:
        """Create two products per vendor, the first with a picture and volume discounts."""
        picture = self.cast.upload(
            people.vendor_a, kind="product", mime_type="image/png", data=PNG, name="vendor-a picture"
        )
        specs = (
            ("a1", people.vendor_a, {"price_cents": "1000", "moq": 5, "media_ids": [picture]}),
            ("a2", people.vendor_a, {"price_cents": "2550", "moq": 1, "max_qty": 20}),
            ("b1", people.vendor_b, {"price_cents": "800", "moq": 1}),
            ("b2", people.vendor_b, {"price_cents": "1999", "moq": 1}),
        )
        return {
            name: vendor.client.post(
                "/api/v1/vendor/products",
                product_body(f"{name}-{self.cast.tag}", **extra),
                title=f"{_owner(name)} creates product {name}",
            )
            for name, vendor, extra in specs
        }

    def buyers_browse(self, people: People, products: dict[str, Any]) -> None:
        """The verified buyer of the same state sees the products, the buyer of another state does not."""
        word = self.cast.tag
        until(
            "four products in the grid",
            lambda: len(people.buyer.client.get("/api/v1/products", query={"q": word})["items"]) == 4,
        )
        grid = people.buyer.client.get(
            "/api/v1/products", title="Buyer searches the grid", query={"q": word, "limit": 3}
        )
        check(len(grid["items"]) == 3 and grid["next_cursor"], "the grid has a second page")
        rest = people.buyer.client.get(
            "/api/v1/products",
            title="Buyer reads the next page",
            query={"q": word, "limit": 3, "cursor": grid["next_cursor"]},
        )
        check(len(rest["items"]) == 1 and not rest["next_cursor"], "the second page is the last")
        foreign = people.outsider.client.get(
            "/api/v1/products", title="A buyer of another state searches", query={"q": word}
        )
        check(foreign["items"] == [], "another state sees nothing")
        path = f"/api/v1/products/{products['a1']['summary']['id']}"
        people.outsider.client.get(path, title="… and gets 404 for the product itself", expect=404)

    def buyer_checks_out(self, people: People, products: dict[str, Any]) -> Bought:
        """Quote a cart of two vendors, check out, repeat the checkout."""
        lines = [("a1", 2), ("a2", 3), ("b1", 4), ("b2", 1)]
        intent = {
            "buyer_store_id": people.buyer.store_id,
            "items": [_intent(products[name], quantity) for name, quantity in lines],
        }
        quote = until("a quote with every vendor valid", lambda: self._quote(people.buyer, intent))
        first = next(item for item in quote["items"] if item["title"].startswith("a1"))
        check(first["quantity"] == 5 and "clamped_to_moq" in first["warnings"], "2 was raised to the MOQ of 5")
        check(int(first["line_total_cents"]) == 4500, "5 × 10.00 less 10 percent is 45.00")
        check(int(quote["total_cents"]) == 4500 + 7650 + 3200 + 1999, "the quote adds up")
        body = {
            "cart_id": quote["id"],
            "quote_version": quote["quote_version"],
            "shipping_address": address(),
            "payment_method": "cash",
        }
        key = uuid.uuid4().hex
        result = people.buyer.client.post("/api/v1/checkout", body, title="Buyer checks out", expect=201, key=key)
        again = people.buyer.client.send(
            "POST", "/api/v1/checkout", title="… and repeats it with the same key", expect=201, body=body, key=key
        )
        check(again.body == result, "a repeated checkout answers the same")
        check(again.headers.get("x-idempotent-replay") == "true", "a replay says so")
        orders = {order["vendor_store_id"]: order for order in result["vendor_orders"]}
        check(len(orders) == 2, "one order per vendor")
        return Bought(quote["id"], orders[people.vendor_a.store_id], orders[people.vendor_b.store_id])

    def _quote(self, buyer: Person, intent: dict[str, Any]) -> Any:
        quote = buyer.client.post("/api/v1/cart", intent, title="Buyer asks for a quote")
        valid = all(group["status"] == "ok" for group in quote["vendor_groups"])
        return quote if valid and len(quote["vendor_groups"]) == 2 else None

    def vendors_decide(self, people: People, bought: Bought) -> None:
        """Vendor A accepts all; vendor B rejects one line; both pack."""
        a, b = bought.order_a, bought.order_b
        path = "/api/v1/vendor/orders"
        accepted = people.vendor_a.client.post(
            f"{path}/{a['order_id']}/decision", {"decision": "accept"}, title="Vendor A accepts the order"
        )
        check(accepted["status"] == "accepted", "the whole order is accepted")
        kept, dropped = b["items"][0], b["items"][1]
        decision = {"line_item_id": kept["line_item_id"], "decision": "accept"}
        people.vendor_b.client.post(
            f"{path}/{b['order_id']}/line-items/decision", decision, title="Vendor B accepts one line"
        )
        decision = {"line_item_id": dropped["line_item_id"], "decision": "reject", "notes": "damaged"}
        decided = people.vendor_b.client.post(
            f"{path}/{b['order_id']}/line-items/decision", decision, title="Vendor B rejects the other line"
        )
        check(
            (decided["status"], decided["fulfillment_status"]) == ("hold", "partial"), "the last line packs the order"
        )
        check(decided["total_cents"] == kept["total_cents"], "only the accepted line is owed")
        check(decided["balance_due_cents"] == kept["total_cents"], "and is the balance")
        for name, vendor, order in (("A", people.vendor_a, a), ("B", people.vendor_b, b)):
            packed = vendor.client.post(
                f"{path}/{order['order_id']}/fulfill", {}, title=f"Vendor {name} has packed the order"
            )
            check(packed.get("hold_reason", "") == "awaiting_pickup", "a packed order waits for its agent")
        bought.order_b = decided

    def agent_delivers(self, people: People, bought: Bought) -> None:
        """Assign, pick up, deliver with a proof, collect (order B with wrong money first), hand the cash in."""
        for name, order in (("A", bought.order_a), ("B", bought.order_b)):
            self._assign(people, order["order_id"], name)
        for name, order in (("A", bought.order_a), ("B", bought.order_b)):
            path = f"/api/v1/agent/orders/{order['order_id']}"
            people.agent.client.post(f"{path}/pickup", {}, title=f"Agent picks order {name} up")
        deliver_with_code(people.agent, people.buyer, bought.order_a["order_id"], name="A")
        deliver_with_photo(people.agent, bought.order_b["order_id"], picture=PNG, name="B")
        self._collect(people, bought.order_a, "A")
        self._collect_wrongly(people, bought.order_b)
        self._collect(people, bought.order_b, "B")
        hand_cash_in(people.agent, people.admin, (bought.order_a, bought.order_b), tag=self.cast.tag)

    def _assign(self, people: People, order_id: str, name: str) -> None:
        path = f"/api/v1/admin/orders/{order_id}/assign-agent"
        body = {"agent_user_id": people.agent.user_id, "reason": "knows the way"}
        key = uuid.uuid4().hex
        # The order reaches fulfillment by event; until then it is not there.
        until(f"order {name} in dispatch", lambda: _is_accepted(people.admin, path, body, key))
        mine = people.agent.client.get("/api/v1/agent/orders", title=f"Agent finds order {name} assigned")
        check(any(item["order_id"] == order_id for item in mine["items"]), "the agent has the order")

    def _collect(self, people: People, order: dict[str, Any], name: str) -> None:
        body = {"amount_cents": order["total_cents"], "currency": "USD"}
        collected = people.agent.client.post(
            f"/api/v1/agent/orders/{order['order_id']}/cash-collected",
            body,
            title=f"Agent collects the cash of order {name}",
        )
        check(collected["payment_status"] == "settled", "the payment is settled")

    def _collect_wrongly(self, people: People, order: dict[str, Any]) -> None:
        body = {"amount_cents": str(int(order["total_cents"]) - 100), "currency": "USD"}
        path = f"/api/v1/agent/orders/{order['order_id']}/cash-collected"
        people.agent.client.post(path, body, title="Agent reports one dollar less", expect=409)
        held = until("order B on hold", lambda: _order_if(people.buyer, order, "hold_reason", "payment_mismatch"))
        check(held["status"] == "hold", "the order is on hold")
        people.admin.client.post(
            f"/api/v1/admin/orders/{order['order_id']}/payment/reopen",
            {"reason": "recounted with the agent"},
            title="Admin clears the difference up",
        )
        until("order B off hold", lambda: _order_if(people.buyer, order, "status", "delivered"))

    def admin_pays_out(self, people: People, bought: Bought) -> None:
        """The payout queue shows both; confirming pays the vendor and closes the order."""
        wanted = {bought.order_a["order_id"], bought.order_b["order_id"]}
        until("both orders in the payout queue", lambda: wanted <= set(_payout_queue(people.admin)))
        people.admin.client.get("/api/v1/admin/orders/payouts", title="Admin looks at the payout queue")
        for name, order in (("A", bought.order_a), ("B", bought.order_b)):
            paid = people.admin.client.post(
                f"/api/v1/admin/orders/{order['order_id']}/confirm-payout",
                {"reference": f"demo-{self.cast.tag}"},
                title=f"Admin pays vendor {name}",
            )
            check(paid["status"] == "paid", "the vendor is paid")
            _until_closed(people.buyer, order, name)

    def everybody_reads(self, people: People, bought: Bought) -> None:
        """Notifications of all sides; the vendor's numbers from the warehouse."""
        links = {f"/orders/{bought.order_a['order_id']}", f"/orders/{bought.order_b['order_id']}"}
        for name, person in (("Buyer", people.buyer), ("Vendor A", people.vendor_a), ("Admin", people.admin)):
            _until_notified(person, links, name)
            person.client.get("/api/v1/notifications", title=f"{name} reads the notifications")
        numbers = until("order A in the warehouse", lambda: _numbers(people.vendor_a))
        people.vendor_a.client.get(
            "/api/v1/vendor/analytics", title="Vendor A reads the numbers", query={"preset": "7d"}
        )
        check(numbers["gmv_cents"] == bought.order_a["total_cents"], "GMV is the order's total")
        check(numbers["aov_cents"] == bought.order_a["total_cents"], "and so is the average order")
        check(numbers["gross_revenue_cents"] == bought.order_a["total_cents"], "revenue counts the order once")

    def ads_are_served(self, people: People) -> None:
        """Vendor A advertises; the buyer is shown the highest bid."""
        body = {
            "status": "active",
            "placement": "hero",
            "target_type": "store",
            "target_id": people.vendor_a.store_id,
            "bid_cents": "500",
            "daily_budget_cents": "10000",
            "creatives": [{"destination_url": "https://example.com/vendor-a", "headline": "Fresh from the farm"}],
        }
        key = uuid.uuid4().hex
        # The licence reaches ads by event; until then the campaign is refused.
        until("vendor A may advertise", lambda: _is_accepted(people.vendor_a, "/api/v1/vendor/ads", body, key))
        people.vendor_a.client.post("/api/v1/vendor/ads", body, title="Vendor A creates a campaign", key=key)
        served = people.buyer.client.get("/api/v1/ads/serve", title="Buyer is shown an ad", query={"placement": "hero"})
        check(served["view_token"], "a served ad carries its tokens")


def product_body(title: str, **extra: Any) -> dict[str, Any]:
    """Return the body of POST /vendor/products: 100 in stock, 10 percent off from 5 on."""
    return {
        "sku": title,
        "title": title,
        "category": "flower",
        "classification": "hybrid",
        "unit": "gram",
        "feelings": ["relaxed"],
        "flavors": ["citrus"],
        "usage": ["sleep"],
        "thc_percent": "18.5",
        "inventory": {"available_qty": 100, "low_stock_threshold": 5},
        "volume_discounts": [{"min_qty": 5, "discount_percent": "10"}],
        **extra,
    }


def _owner(product: str) -> str:
    return f"Vendor {product[0].upper()}"


def _intent(product: dict[str, Any], quantity: int) -> dict[str, Any]:
    summary = product["summary"]
    return {"product_id": summary["id"], "vendor_store_id": summary["vendor_store_id"], "quantity": quantity}


def _is_refused(client: Any) -> bool:
    return bool(client.try_once("GET", "/api/v1/stores/me").status == 401)


def _is_accepted(person: Person, path: str, body: dict[str, Any], key: str) -> bool:
    return person.client.try_once("POST", path, body=body, key=key).status == 200


def _order_if(person: Person, order: dict[str, Any], field: str, value: str) -> Any:
    current = person.client.get(f"/api/v1/orders/{order['order_id']}")
    return current if current.get(field) == value else None


def _until_closed(buyer: Person, order: dict[str, Any], name: str) -> None:
    until(f"order {name} closed", lambda: _order_if(buyer, order, "status", "closed"))


def _until_notified(person: Person, links: set[str], name: str) -> None:
    until(f"{name} notified", lambda: _notified(person, links))


def _payout_queue(admin: Person) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = admin.client.get("/api/v1/admin/orders/payouts", query={"limit": 100, "cursor": cursor})
        found += [item["order_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def _notified(person: Person, links: set[str]) -> bool:
    items = person.client.get("/api/v1/notifications", query={"limit": 100})["items"]
    return any(item["link"] in links for item in items)


def _numbers(vendor: Person) -> Any:
    numbers = vendor.client.get("/api/v1/vendor/analytics", query={"preset": "7d"})
    return numbers if int(numbers["orders"]) == 1 and int(numbers["gross_revenue_cents"]) > 0 else None
