"""The people of the chaos suite, and what each of them does for a while through the gateway."""

from __future__ import annotations

import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from deploy.tools.people import Cast, Person, address
from deploy.tools.rest_client import Unexpected
from deploy.tools.story import product_body
from deploy.tools.waiting import until
from tests.chaos.calls import Caller

VENDORS, BUYERS, AGENTS = 2, 3, 2
# Little enough to run out while the suite runs.
STOCK, PRODUCTS_PER_VENDOR = 12, 3
# How often an agent's turn begins with a way to the station, and how often somebody is a cent off there.
HANDING_IN, MISCOUNTING = 0.2, 0.1
# How often a vendor's turn begins with a delivery of goods.
RESTOCKING = 0.15


@dataclass
class Shop:
    """A vendor and its products."""

    vendor: Person
    products: list[str]


@dataclass
class Town:
    """Everybody, ready to trade."""

    cast: Cast
    admin: Person
    shops: list[Shop]
    buyers: list[Person]
    agents: list[Person]
    # Who counts the cash that agents hand in; what does not fit is for the administrator to resolve.
    counter: Person
    station_id: str
    stop: threading.Event = field(default_factory=threading.Event)
    done: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def settle(cls, url: str, *, stock: int = STOCK) -> Town:
        """Register and verify everybody, while nothing fails yet."""
        cast = Cast(url)
        admin = cast.admin()
        shops = [_shop(cast, admin, f"vendor-{number}", stock) for number in range(VENDORS)]
        buyers = [cast.store(f"buyer-{number}", store_type="buyer") for number in range(BUYERS)]
        for number, buyer in enumerate(buyers):
            cast.verify(buyer, admin, name=f"buyer-{number}")
        agents = [cast.agent(admin, name=f"agent-{number}") for number in range(AGENTS)]
        station = admin.client.post("/api/v1/admin/cash/stations", {"name": f"Station {cast.tag}"})
        counter = cast.admin(name="counter")
        town = cls(cast, admin, shops, buyers, agents, counter, station["station_id"])
        for buyer in buyers:
            until("shops open to the buyer", lambda buyer=buyer: town.sees_all(buyer))  # type: ignore[misc]
        return town

    def sees_all(self, buyer: Person) -> bool:
        """Return whether a buyer sees every product."""
        grid = buyer.client.get("/api/v1/products", query={"q": self.cast.tag, "limit": 50})
        return len(grid["items"]) == VENDORS * PRODUCTS_PER_VENDOR

    def wait_for(self, done: set[str], *, seconds: float) -> None:
        """Wait until all of that was done once, or long enough."""
        deadline = time.monotonic() + seconds
        while not done <= set(self.done) and time.monotonic() < deadline:
            time.sleep(0.1)

    def count(self, what: str) -> None:
        """Note that something was done, so that a suite that does nothing is found out."""
        with self._lock:
            self.done[what] = self.done.get(what, 0) + 1


def _shop(cast: Cast, admin: Person, name: str, stock: int) -> Shop:
    vendor = cast.store(name, store_type="vendor")
    cast.verify(vendor, admin, name=name)
    cast.subscribe(vendor, admin, name=name)
    bodies = [
        product_body(
            f"{name}-{number}-{cast.tag}",
            price_cents="700",
            moq=1,
            volume_discounts=[],
            inventory={"available_qty": stock, "low_stock_threshold": 0},
        )
        for number in range(PRODUCTS_PER_VENDOR)
    ]
    products = [vendor.client.post("/api/v1/vendor/products", body)["summary"]["id"] for body in bodies]
    return Shop(vendor, products)


@dataclass
class Actor(ABC):
    """One person doing what they do, over and over, until the town stops."""

    town: Town
    person: Person
    caller: Caller
    dice: random.Random

    def run(self) -> None:
        """Act until told to stop. An unexpected answer is kept for the test to report."""
        while not self.town.stop.is_set():
            try:
                self.act()
            except Unexpected as error:
                self.caller.log.unexpected.append(str(error))
            time.sleep(self.dice.uniform(0.0, 0.1))

    @abstractmethod
    def act(self) -> None:
        """Do one thing."""


class Buyer(Actor):
    """Quotes, checks out, sometimes twice, sometimes hangs up, sometimes cancels."""

    def act(self) -> None:
        """Buy a few things of both vendors."""
        picks = [(shop, self.dice.choice(shop.products), self.dice.randint(1, 3)) for shop in self.town.shops]
        items = [
            {"product_id": product, "vendor_store_id": shop.vendor.store_id, "quantity": quantity}
            for shop, product, quantity in picks
        ]
        quote = self.caller.write("/api/v1/cart", {"buyer_store_id": self.person.store_id, "items": items}, ok=(200,))
        if quote is None:
            return
        body = {
            "cart_id": quote["id"],
            "quote_version": quote["quote_version"],
            "shipping_address": address(),
            "payment_method": "cash",
        }
        bought = self.caller.write("/api/v1/checkout", body, ok=(201,), refusals=(409,))
        if bought is None:
            return
        self.town.count("checkout")
        for order in bought["vendor_orders"]:
            if self.dice.random() < 0.15:
                path = f"/api/v1/orders/{order['order_id']}/cancel"
                if self.caller.write(path, {}, ok=(200,), refusals=(409,)):
                    self.town.count("cancel")


class Vendor(Actor):
    """Decides what waits, packs, and receives new stock now and then, too little for all."""

    def act(self) -> None:
        """Take the first orders that wait one step further."""
        if self.dice.random() < RESTOCKING:
            self._receive_stock()
        for order in self.caller.read("/api/v1/orders", {"actionable": True, "limit": 5}):
            path = f"/api/v1/vendor/orders/{order['order_id']}"
            if order["status"] == "created_pending":
                decision = "accept" if self.dice.random() < 0.85 else "reject"
                if self.caller.write(f"{path}/decision", {"decision": decision}, ok=(200,), refusals=(409,)):
                    self.town.count(decision)
            elif self.caller.write(f"{path}/fulfill", {}, ok=(200,), refusals=(409,)):
                self.town.count("fulfill")

    def _receive_stock(self) -> None:
        own = next(shop for shop in self.town.shops if shop.vendor is self.person)
        path = f"/api/v1/inventory/{self.dice.choice(own.products)}/receipts"
        if self.caller.write(path, {"quantity": self.dice.randint(1, 8)}, ok=(200,)):
            self.town.count("receive")


class Agent(Actor):
    """Picks up, delivers, collects and hands the cash in; sometimes counts wrong."""

    def act(self) -> None:
        """Take each delivery one step further, and now and then all cash to the station."""
        if self.dice.random() < HANDING_IN:
            self._hand_in()
        for order in self.caller.read("/api/v1/agent/orders", {"limit": 10}):
            path = f"/api/v1/agent/orders/{order['order_id']}"
            if order["order_status"] in {"hold", "ready_for_dispatch", "hold_for_pickup"}:
                self.caller.write(f"{path}/pickup", {}, ok=(200,), refusals=(404, 409))
            elif order["order_status"] == "in_transit":
                self.caller.write(f"{path}/deliver", {}, ok=(200,), refusals=(404, 409))
            elif order["payment_status"] == "unpaid":
                wrong = 1 if self.dice.random() < 0.1 else 0
                money = {"amount_cents": str(int(order["total_cents"]) - wrong), "currency": "USD"}
                if self.caller.write(f"{path}/cash-collected", money, ok=(200,), refusals=(404, 409)):
                    self.town.count("cash")

    def _hand_in(self) -> None:
        held = self.caller.read("/api/v1/agent/cash/held", {"limit": 20})
        if not held:
            return
        items = [
            {"order_id": cash["order_id"], "declared_cents": str(int(cash["amount_cents"]) + self._slip())}
            for cash in held
        ]
        body = {"station_id": self.town.station_id, "currency": "USD", "items": items}
        if self.caller.write("/api/v1/agent/cash/hand-ins", body, ok=(200,), refusals=(404, 409)):
            self.town.count("hand in")

    def _slip(self) -> int:
        return self.dice.choice((-1, 1)) if self.dice.random() < MISCOUNTING else 0


class Counter(Actor):
    """Counts what was handed in; sometimes wrong."""

    def act(self) -> None:
        """Count the oldest hand-ins."""
        for hand_in in self.caller.read("/api/v1/admin/cash/hand-ins", {"status": "declared", "limit": 5}):
            path = f"/api/v1/admin/cash/hand-ins/{hand_in['hand_in_id']}"
            counts = [
                {"order_id": item["order_id"], "counted_cents": str(int(item["declared_cents"]) - self._slip())}
                for item in self.caller.see(path).get("items", [])
            ]
            if counts and self.caller.write(
                f"{path}/count", {"currency": "USD", "counts": counts}, ok=(200,), refusals=(409,)
            ):
                self.town.count("count")

    def _slip(self) -> int:
        return 1 if self.dice.random() < MISCOUNTING else 0


class Admin(Actor):
    """Clears differences up and pays out."""

    def act(self) -> None:
        """Pay what is due and resolve what did not fit."""
        for mismatch in self.caller.read("/api/v1/admin/cash/mismatches", {"limit": 5}):
            path = f"/api/v1/admin/cash/mismatches/{mismatch['mismatch_id']}/resolve"
            missing = max(0, -int(mismatch["difference_cents"]))
            body = {"reason": "recounted", "currency": "USD", "recovered_cents": str(self.dice.randint(0, missing))}
            if self.caller.write(path, body, ok=(200,), refusals=(409,)):
                self.town.count("resolve")
        for due in self.caller.read("/api/v1/admin/orders/payouts", {"limit": 10}):
            path = f"/api/v1/admin/orders/{due['order_id']}/confirm-payout"
            if self.caller.write(path, {"reference": uuid.uuid4().hex}, ok=(200,), refusals=(404, 409)):
                self.town.count("payout")
