"""The story's chapter about proofs of delivery and about what becomes of the cash."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from deploy.tools.checks import check
from deploy.tools.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.tools.people import Person


def deliver_with_code(agent: Person, buyer: Person, order_id: str, *, name: str) -> None:
    """The buyer tells the agent the code at the door."""
    code = buyer.client.get(f"/api/v1/orders/{order_id}/delivery-code", title=f"Buyer reads the code of order {name}")
    _deliver(agent, order_id, {"kind": "code", "code": code["code"]}, name=name)


def deliver_with_photo(agent: Person, order_id: str, *, picture: bytes, name: str) -> None:
    """The agent takes a photo of the goods at the door."""
    body = {"kind": "photo", "mime_type": "image/png", "size_bytes": str(len(picture))}
    path = f"/api/v1/agent/orders/{order_id}/proof-uploads"
    upload = agent.client.post(path, body, title=f"Agent asks where to put a photo of order {name}")
    title = f"Agent uploads the photo of order {name}"
    agent.client.upload(upload, picture, title=title)
    _deliver(agent, order_id, {"kind": "photo", "media_id": upload["media_id"]}, name=name)


def _deliver(agent: Person, order_id: str, proof: dict[str, str], *, name: str) -> None:
    path, body, key = f"/api/v1/agent/orders/{order_id}/deliver", {"proof": proof}, uuid.uuid4().hex
    # Media hears of an upload by notice; until then the photo cannot be used.
    until(f"order {name} delivered", lambda: agent.client.try_once("POST", path, body=body, key=key).status == 200)
    title = f"Agent delivers order {name}, proven by {proof['kind']}"
    delivered = agent.client.post(path, body, title=title, key=key)
    check(delivered["order_status"] == "delivered", "the order is delivered")
    check(delivered["proof_kind"] == proof["kind"], "the delivery says what proves it")


def hand_cash_in(agent: Person, admin: Person, orders: Sequence[dict[str, Any]], *, tag: str) -> None:
    """The agent hands the cash of two orders in; one dollar of the second is missing and is written off."""
    station = admin.client.post(
        "/api/v1/admin/cash/stations", {"name": f"Station {tag}"}, title="Admin opens a cash station"
    )
    held = agent.client.get("/api/v1/agent/cash/held", title="Agent sees which cash is carried")
    check({item["order_id"] for item in held["items"]} == {order["order_id"] for order in orders}, "both are carried")
    hand_in = agent.client.post(
        "/api/v1/agent/cash/hand-ins",
        {
            "station_id": station["station_id"],
            "currency": "USD",
            "items": [{"order_id": item["order_id"], "declared_cents": item["amount_cents"]} for item in held["items"]],
        },
        title="Agent hands the cash in",
    )
    check(hand_in["status"] == "declared", "nobody has counted it yet")
    wrong = orders[1]["order_id"]
    counts = [
        {
            "order_id": item["order_id"],
            "counted_cents": str(int(item["declared_cents"]) - (100 if item["order_id"] == wrong else 0)),
        }
        for item in hand_in["items"]
    ]
    counted = admin.client.post(
        f"/api/v1/admin/cash/hand-ins/{hand_in['hand_in_id']}/count",
        {"currency": "USD", "counts": counts},
        title="Admin counts one dollar less for order B",
    )
    check(counted["status"] == "mismatched", "one order does not fit")
    _write_off(admin, wrong)
    _report(admin, agent, collected=sum(int(item["amount_cents"]) for item in held["items"]))


def _write_off(admin: Person, order_id: str) -> None:
    refused = f"/api/v1/admin/orders/{order_id}/confirm-payout"
    admin.client.post(refused, {}, title="… so order B cannot be paid out", expect=409)
    mismatch = _mismatch_of(admin, order_id)
    admin.client.post(
        f"/api/v1/admin/cash/mismatches/{mismatch['mismatch_id']}/resolve",
        {"reason": "lost on the way", "recovered_cents": "0", "currency": "USD"},
        title="Admin writes the dollar off",
    )


def _mismatch_of(admin: Person, order_id: str) -> Any:
    cursor = ""
    while True:
        page = admin.client.get(
            "/api/v1/admin/cash/mismatches",
            title="Admin looks at the mismatch queue",
            query={"limit": 100, "cursor": cursor},
        )
        for item in page["items"]:
            if item["order_id"] == order_id:
                return item
        cursor = page["next_cursor"]
        check(cursor, "the mismatch is in the queue")


def _report(admin: Person, agent: Person, *, collected: int) -> None:
    report = admin.client.get(
        "/api/v1/admin/cash/report",
        title="Admin reads the agent's cash of the day",
        query={"agent_user_id": agent.user_id},
    )
    # A story that began before midnight has collected yesterday.
    check(len(report["items"]) <= 1, "one line per currency")
    for item in report["items"]:
        check(int(item["held_cents"]) == 0, "the agent carries nothing any more")
        check(int(item["differences_cents"]) == 100, "and one dollar was lost")
        check(int(item["collected_cents"]) in {0, collected}, "of what was collected")
