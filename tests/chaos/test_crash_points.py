"""A process dies at each point that the chassis offers inside checkout, cash, deliveries and the way of their events.

The labels are those of `meshkit/crash.py`. The caller repeats its call with the same key, as good clients do; afterwards every
invariant must hold.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.tools.contracts import grpc_services
from deploy.tools.people import address
from deploy.tools.prove import prove_everything
from deploy.tools.running_mesh import RunningMesh, running_mesh
from deploy.tools.story import PNG
from deploy.tools.waiting import until
from meshkit.grpc.policy import Effect, read_policy
from tests.chaos.market import Town

pytestmark = pytest.mark.timeout(420)


def points(work: str, *steps: str) -> list[str]:
    """Return the labels of a work: `tx` is both ends of the next transaction, `call X` the answer of another service."""
    labels, transactions = [], 0
    for step in steps:
        if step == "tx":
            transactions += 1
            labels += [f"{work} tx{transactions}.{end}" for end in ("committing", "committed")]
        else:
            labels.append(f"{work} {step}.answered" if step.startswith("call ") else f"{work} {step}")
    return labels


CHECKOUT = [
    *points("commerce QuoteCart", "tx", "call GetQuoteFacts", "tx", "answering"),
    # Nothing is reserved; reserved and not written; written and not told.
    *points("commerce Checkout", "tx", "call Reserve", "tx", "answering"),
    *points("catalog Reserve", "tx", "answering"),
]
EVENTS = [
    *points("commerce relay", "claimed", "published", "marked", "tx"),
    *points("catalog catalog.commerce.order.v1", "pulled", "tx", "acknowledged"),
    *points("finance finance.commerce.order.v1", "pulled", "tx", "acknowledged"),
]
# What a loop does of its own accord: it looks at what the object store announced.
LOOKS = points("media UploadInspector.run", "tx")
CASH = [
    *points("fulfillment CollectCash", "tx", "call GetOrderForDelivery", "tx", "call CollectCash", "tx", "answering"),
    *points("finance CollectCash", "tx", "answering"),
]
MOVES = [
    *points("fulfillment PickUp", "tx", "call AdvanceDelivery", "tx", "answering"),
    *points("fulfillment Deliver", "tx", "tx", "call AdvanceDelivery", "tx", "answering"),
]
PROOFS = points("fulfillment RequestProofUpload", "tx", "tx", "call PresignForStore", "tx", "answering")
PHOTO = {"kind": "photo", "mime_type": "image/png", "size_bytes": len(PNG)}
# Who writes here and in other services too; all that the story needs are tried.
FLOWS = {
    method.name
    for service in grpc_services()
    for method in service.methods
    if read_policy(method).effect == Effect.EFFECT_FLOW
}
POINTS = {*CHECKOUT, *EVENTS, *CASH, *MOVES, *PROOFS, *LOOKS}


def work_of(point: str) -> str:
    return " ".join(point.split()[:2])


class Deathbed:
    """A mesh whose processes die where they are told to, and people who trade in it."""

    def __init__(self, mesh: RunningMesh, town: Town, trap: Path) -> None:
        self.mesh, self.town, self._trap = mesh, town, trap

    def dying_at(self, point: str, work: Callable[[], Any]) -> Any:
        """Do the work while a process dies at that point; returns what came of it."""
        self._trap.write_text(point)
        result = work()
        until(f"{point} was reached", lambda: not self._trap.exists(), seconds=30)
        self.mesh.wait_ready()
        return result

    @contextmanager
    def watching(self) -> Iterator[Callable[[], set[str]]]:
        """Let the services write down what they pass; yields what they have so far."""
        record = Path(f"{self._trap}.offered")
        record.touch()
        yield lambda: set(record.read_text().splitlines())
        record.unlink()

    def checkout(self) -> dict[str, Any]:
        """Buy one thing of each vendor, whatever dies meanwhile; the same key answers the same again."""
        buyer, shops = self.town.buyers[0], self.town.shops
        items = [
            {"product_id": shop.products[0], "vendor_store_id": shop.vendor.store_id, "quantity": 1} for shop in shops
        ]
        quote = buyer.client.post("/api/v1/cart", {"buyer_store_id": buyer.store_id, "items": items})
        body = {
            "cart_id": quote["id"],
            "quote_version": quote["quote_version"],
            "shipping_address": address(),
            "payment_method": "cash",
        }
        key = uuid.uuid4().hex
        bought: dict[str, Any] = buyer.client.post("/api/v1/checkout", body, expect=201, key=key)
        assert buyer.client.post("/api/v1/checkout", body, expect=201, key=key) == bought
        return bought

    def delivered(self) -> tuple[dict[str, Any], Any]:
        """Return an order that waits for its cash, and its agent's client."""
        order, agent = self.dispatched()
        for step in ("pickup", "deliver"):
            agent.post(f"/api/v1/agent/orders/{order['order_id']}/{step}", {})
        return order, agent

    def dispatched(self) -> tuple[dict[str, Any], Any]:
        """Return an order that waits for its agent, and the agent's client."""
        order = self.checkout()["vendor_orders"][0]
        shop = next(shop for shop in self.town.shops if shop.vendor.store_id == order["vendor_store_id"])
        path = f"/api/v1/vendor/orders/{order['order_id']}"
        shop.vendor.client.post(f"{path}/decision", {"decision": "accept"})
        shop.vendor.client.post(f"{path}/fulfill", {})
        agent = until("our agent has it", lambda: self._assigned(order["order_id"]))
        return order, agent

    def _assigned(self, order_id: str) -> Any:
        """Give the order to our own agent: the seed has one as well, who may have been drawn."""
        agent, key = self.town.agents[0], uuid.uuid4().hex
        path, body = f"/api/v1/admin/orders/{order_id}/assign-agent", {"agent_user_id": agent.user_id, "reason": "test"}
        answer = self.town.admin.client.try_once("POST", path, body=body, key=key)
        return agent.client if answer.status == 200 else None


@pytest.fixture(scope="module")
def deathbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deathbed]:
    folder = tmp_path_factory.mktemp("crash")
    trap = folder / "trap"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESH_CRASH_FILE", str(trap))
        with running_mesh(folder) as mesh:
            yield Deathbed(mesh, Town.settle(mesh.url, stock=100), trap)


@pytest.fixture(scope="module", autouse=True)
def everything_adds_up(deathbed: Deathbed) -> Iterator[None]:
    yield
    assert prove_everything(settle_s=120) == []


@pytest.mark.parametrize("point", [*CHECKOUT, *EVENTS])
def test_a_checkout_survives(deathbed: Deathbed, point: str) -> None:
    bought = deathbed.dying_at(point, deathbed.checkout)

    assert len(bought["vendor_orders"]) == 2


@pytest.mark.parametrize("point", MOVES)
def test_a_delivery_survives(deathbed: Deathbed, point: str) -> None:
    order, agent = deathbed.dispatched()
    path, key = f"/api/v1/agent/orders/{order['order_id']}", uuid.uuid4().hex

    def move() -> Any:
        agent.post(f"{path}/pickup", {}, key=key)
        return agent.post(f"{path}/deliver", {}, key=key)

    delivered = deathbed.dying_at(point, move)

    assert delivered["order_status"] == "delivered"
    assert delivered["pickup_time"] < delivered["delivery_time"]
    assert move() == delivered


@pytest.mark.parametrize("point", PROOFS)
def test_a_proofs_announcement_survives(deathbed: Deathbed, point: str) -> None:
    order, agent = deathbed.dispatched()
    path, key = f"/api/v1/agent/orders/{order['order_id']}", uuid.uuid4().hex
    agent.post(f"{path}/pickup", {})

    announced = deathbed.dying_at(point, lambda: agent.post(f"{path}/proof-uploads", PHOTO, key=key))

    assert agent.post(f"{path}/proof-uploads", PHOTO, key=key) == announced


@pytest.mark.parametrize("point", LOOKS)
def test_a_photos_arrival_survives(deathbed: Deathbed, point: str) -> None:
    order, agent = deathbed.dispatched()
    path, key = f"/api/v1/agent/orders/{order['order_id']}", uuid.uuid4().hex
    agent.post(f"{path}/pickup", {})
    announced = agent.post(f"{path}/proof-uploads", PHOTO)

    deathbed.dying_at(point, lambda: agent.upload(announced, PNG, title=""))

    proof = {"proof": {"kind": "photo", "media_id": announced["media_id"]}}
    until("media knows it", lambda: agent.try_once("POST", f"{path}/deliver", body=proof, key=key).status == 200)


@pytest.mark.parametrize("point", CASH)
def test_a_cash_collection_survives(deathbed: Deathbed, point: str) -> None:
    order, agent = deathbed.delivered()
    path = f"/api/v1/agent/orders/{order['order_id']}/cash-collected"
    body = {"amount_cents": order["total_cents"], "currency": "USD"}
    key = uuid.uuid4().hex

    collected = deathbed.dying_at(point, lambda: agent.post(path, body, key=key))

    assert collected["payment_status"] == "settled"
    assert agent.post(path, body, key=key) == collected


def test_every_point_on_offer_is_tried(deathbed: Deathbed) -> None:
    with deathbed.watching() as offered:
        order, agent = deathbed.dispatched()
        path = f"/api/v1/agent/orders/{order['order_id']}"
        agent.post(f"{path}/pickup", {})
        agent.upload(agent.post(f"{path}/proof-uploads", PHOTO), PNG, title="")
        agent.post(f"{path}/deliver", {})
        agent.post(f"{path}/cash-collected", {"amount_cents": order["total_cents"], "currency": "USD"})
        until("its events have travelled and its photo was seen", lambda: offered() >= {*EVENTS, *LOOKS}, seconds=30)
        passed = offered()

    works = {work_of(point) for point in POINTS}
    assert {point for point in passed if work_of(point) in works} == POINTS
    assert {work for work in map(work_of, passed) if work.split()[1] in FLOWS} <= works
