"""Every decision about an order, its delivery and its money in every state of their common way, as one table.

What the table does not allow is refused with the reason that stands there, and leaves nothing behind.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from deploy.dev.stack import Embedded
from deploy.tools.contracts import grpc_services
from marketmesh.commerce.v1 import order_service_pb2 as orders
from marketmesh.finance.v1 import cash_agent_service_pb2 as cash
from marketmesh.finance.v1 import earnings_service_pb2 as earnings
from marketmesh.finance.v1 import payout_batch_service_pb2 as payouts
from marketmesh.finance.v1 import payout_service_pb2 as finance
from marketmesh.fulfillment.v1 import admin_service_pb2 as fulfillment_admin
from marketmesh.fulfillment.v1 import delivery_service_pb2 as delivery
from meshkit.grpc.policy import Caller, Effect, read_policy
from tests.contracts.test_bad_input import OUR_FAULT, OWNERS, Rows
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

# What can be decided -> path, token and how it is asked of an order.
Actions = dict[str, tuple[str, str, Callable[[str], Message]]]
STAGES: dict[str, Callable[[World], str]] = {
    "pending": lambda w: w.new_order().order_id,
    "rejected": lambda w: decided(w, w.new_order().order_id, decision=2),
    "canceled": lambda w: canceled(w, w.new_order().order_id),
    "expired": lambda w: w.new_expired_order().order_id,
    "accepted": lambda w: w.new_order(accepted=True).order_id,
    "assigned": lambda w: w.new_delivery().order_id,
    "picked up": lambda w: w.new_delivery(upto="picked_up").order_id,
    "delivered": lambda w: w.new_delivery(upto="delivered").order_id,
    "cash failed": lambda w: w.new_failed_payment().order_id,
    "settled": lambda w: w.new_delivery(upto="settled").order_id,
    "payout held": lambda w: w.new_held_payout(),
    "paid out": lambda w: w.new_paid_order(),
}
OK = "OK"
# What is done already may be done again: it changes nothing and answers the same.
ALLOWED = {
    "accept": {"pending"},
    "accept line": {"pending"},
    "note": set(STAGES),
    "nudge": {"pending"},
    "retry": {"expired"},
    "fulfill": {"accepted", "assigned"},
    "cancel": {"pending", "accepted", "assigned"},
    # The cash failed of an order that was delivered: it is on hold, and delivered all the same.
    "assign": {"assigned"},
    # An administrator can always put the record right, of what there is a record of.
    "correct": {"assigned", "picked up", "delivered", "cash failed", "settled", "payout held", "paid out"},
    "reset code": {"assigned", "picked up"},
    "announce proof": {"picked up"},
    "pick up": {"assigned", "picked up", "delivered", "cash failed", "settled", "payout held", "paid out"},
    "deliver": {"picked up", "delivered", "cash failed", "settled", "payout held", "paid out"},
    "collect": {"picked up", "delivered", "settled", "payout held", "paid out"},
    "hand in": {"settled", "payout held", "paid out"},
    "confirm payout": {"settled", "paid out"},
    "confirm paid": {"paid out"},
    # Of what is delivered and not paid; afterwards it is a refund.
    "credit": {"delivered", "cash failed"},
    "hold payout": set(STAGES) - {"rejected", "canceled", "expired", "paid out"},
    "release payout": {"payout held"},
    "refund": {"settled", "payout held", "paid out"},
    "reopen payment": {"cash failed"},
}
REASONS = {
    **dict.fromkeys(("accept", "accept line", "nudge", "retry", "fulfill", "cancel"), "ORDER_STATE_INVALID"),
    **dict.fromkeys(
        ("assign", "reset code", "pick up", "announce proof", "deliver", "collect"), "DELIVERY_STATE_INVALID"
    ),
    "correct": "NOT_FOUND",
    "credit": "CREDIT_NOT_POSSIBLE",
    # It names the order that the agent does not carry the cash of.
    "hand in": "VALIDATION_ERROR",
    **dict.fromkeys(("confirm payout", "confirm paid", "hold payout"), "PAYOUT_NOT_DUE"),
    "release payout": "PAYOUT_STATE_INVALID",
    "refund": "REFUND_TOO_LARGE",
    "reopen payment": "PAYMENT_NOT_FAILED",
}
# Delivery does not know of an order before it is packed.
_UNKNOWN = {"pending", "rejected", "canceled", "expired", "accepted"}
OTHERWISE = {
    ("confirm payout", "payout held"): "PAYOUT_HELD",
    # The order's state allows decisions, the line has had its own.
    **{("accept line", stage): "LINE_STATE_INVALID" for stage in ("accepted", "assigned")},
    **{
        (name, stage): "NOT_FOUND"
        for name in ("assign", "reset code", "pick up", "announce proof", "deliver", "collect")
        for stage in _UNKNOWN
    },
}
# A hand-in is counted, not an order: tests/finance/cash/api/test_cash_admin_servicer.py.
NOT_ABOUT_ONE_ORDER = {"/marketmesh.finance.v1.CashAdminService/CountHandIn"}
_COMMERCE, _AGENT = "/marketmesh.commerce.v1.OrderService/", "/marketmesh.fulfillment.v1.AgentService/"
_DELIVERY_ADMIN = "/marketmesh.fulfillment.v1.FulfillmentAdminService/"
_PAYOUTS, _MONEY = "/marketmesh.finance.v1.PayoutAdminService/", "/marketmesh.finance.v1.FinanceAdminService/"


def decided(world: World, order_id: str, *, decision: int) -> str:
    request = orders.DecideOrderRequest(order_id=order_id, decision=decision)  # type: ignore[arg-type]
    world.do(f"{_COMMERCE}DecideOrder", request, world.vendor.token)
    return order_id


def canceled(world: World, order_id: str) -> str:
    world.do(f"{_COMMERCE}CancelOrder", orders.CancelOrderRequest(order_id=order_id), world.buyer.token)
    return order_id


def actions(world: World) -> Actions:
    """Return every decision: its path, who takes it, and its request for an order."""
    return {**_order_actions(world), **_delivery_actions(world), **_money_actions(world)}


def _order_actions(world: World) -> Actions:
    vendor, buyer = world.vendor.token, world.buyer.token

    def line(order_id: str) -> str:
        sql = "SELECT id FROM order_line_items WHERE order_id = CAST(:id AS uuid) ORDER BY position LIMIT 1"
        return str(world.mesh.rows("commerce", sql, id=order_id)[0].id)

    return {
        "accept": (f"{_COMMERCE}DecideOrder", vendor, lambda o: orders.DecideOrderRequest(order_id=o, decision=1)),
        "accept line": (
            f"{_COMMERCE}DecideLineItem",
            vendor,
            lambda o: orders.DecideLineItemRequest(order_id=o, line_item_id=line(o), decision=1),
        ),
        "note": (
            f"{_COMMERCE}SetInternalNotes",
            vendor,
            lambda o: orders.SetInternalNotesRequest(order_id=o, internal_notes="x"),
        ),
        "nudge": (f"{_COMMERCE}NudgeOrder", buyer, lambda o: orders.NudgeOrderRequest(order_id=o)),
        "retry": (f"{_COMMERCE}RetryOrder", buyer, lambda o: orders.RetryOrderRequest(order_id=o)),
        "fulfill": (f"{_COMMERCE}FulfillOrder", vendor, lambda o: orders.FulfillOrderRequest(order_id=o)),
        "cancel": (f"{_COMMERCE}CancelOrder", buyer, lambda o: orders.CancelOrderRequest(order_id=o)),
    }


def _delivery_actions(world: World) -> Actions:
    agent, admin, station = world.agent, world.admin, world.new_station()

    def total(order_id: str) -> int:
        sql = "SELECT amount_cents FROM payment_intents WHERE subject_id = CAST(:id AS uuid)"
        return int(world.mesh.rows("finance", sql, id=order_id)[0].amount_cents)

    def money(order_id: str) -> Message:
        return delivery.CollectCashRequest(order_id=order_id, amount_cents=total(order_id) or 1, currency="USD")

    def hand_in(order_id: str) -> Message:
        item = cash.DeclaredCash(order_id=order_id, declared_cents=total(order_id) or 1)
        return cash.DeclareHandInRequest(station_id=station, currency="USD", items=[item])

    return {
        "assign": (
            f"{_DELIVERY_ADMIN}AssignAgent",
            admin,
            lambda o: fulfillment_admin.AssignAgentRequest(order_id=o, agent_user_id=world.other_agent_id, reason="x"),
        ),
        "correct": (
            f"{_DELIVERY_ADMIN}CorrectDelivery",
            admin,
            lambda o: fulfillment_admin.CorrectDeliveryRequest(order_id=o, agent_user_id=world.agent_id, reason="x"),
        ),
        "reset code": (
            f"{_DELIVERY_ADMIN}ResetDeliveryCode",
            admin,
            lambda o: fulfillment_admin.ResetDeliveryCodeRequest(order_id=o, reason="x"),
        ),
        "pick up": (f"{_AGENT}PickUp", agent, lambda o: delivery.PickUpRequest(order_id=o)),
        "announce proof": (
            f"{_AGENT}RequestProofUpload",
            agent,
            lambda o: delivery.RequestProofUploadRequest(order_id=o, kind="photo", mime_type="image/png", size_bytes=9),
        ),
        "deliver": (f"{_AGENT}Deliver", agent, lambda o: delivery.DeliverRequest(order_id=o)),
        "collect": (f"{_AGENT}CollectCash", agent, money),
        "hand in": ("/marketmesh.finance.v1.CashAgentService/DeclareHandIn", agent, hand_in),
    }


def _money_actions(world: World) -> Actions:
    vendor, admin = world.vendor.token, world.admin
    return {
        "confirm payout": (f"{_MONEY}ConfirmPayout", admin, lambda o: finance.ConfirmPayoutRequest(order_id=o)),
        "confirm paid": (
            "/marketmesh.finance.v1.EarningsService/ConfirmPaid",
            vendor,
            lambda o: earnings.ConfirmPaidRequest(order_id=o),
        ),
        "hold payout": (f"{_PAYOUTS}HoldPayout", admin, lambda o: payouts.HoldPayoutRequest(order_id=o, reason="x")),
        "release payout": (
            f"{_PAYOUTS}ReleasePayout",
            admin,
            lambda o: payouts.ReleasePayoutRequest(order_id=o, reason="x"),
        ),
        "credit": (
            f"{_PAYOUTS}CreditOrder",
            admin,
            lambda o: payouts.CreditOrderRequest(order_id=o, amount_cents=1, currency="USD", reason="x"),
        ),
        "refund": (
            f"{_PAYOUTS}RefundOrder",
            admin,
            lambda o: payouts.RefundOrderRequest(order_id=o, amount_cents=1, currency="USD", reason="x"),
        ),
        "reopen payment": (
            f"{_MONEY}ReopenPayment",
            admin,
            lambda o: finance.ReopenPaymentRequest(order_id=o, reason="x"),
        ),
    }


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


@pytest.fixture(scope="module")
def rows(world: World) -> Rows:
    return Rows(world)


def outcome(world: World, path: str, request: Message, token: str) -> tuple[str, str]:
    try:
        world.mesh.call(world.method(path), request, token=token, key=uuid.uuid4().hex)
    except Refused as refused:
        return refused.reason, refused.code
    return OK, OK


def names_an_order(message: Descriptor) -> bool:
    return any(
        field.name == "order_id" or (field.message_type is not None and names_an_order(field.message_type))
        for field in message.fields
    )


def test_knows_every_decision_that_people_take_about_an_order(world: World) -> None:
    """From the contracts: a new one fails here until the table says in which states it is allowed."""
    decisions = {
        policy.path
        for service in grpc_services()
        for method in service.methods
        if (policy := read_policy(method)).effect != Effect.EFFECT_READ
        and policy.caller != Caller.CALLER_SERVICE
        and names_an_order(method.input_type)
    }
    known = actions(world)

    assert {path for path, _, _ in known.values()} == decisions - NOT_ABOUT_ONE_ORDER
    assert known.keys() == ALLOWED.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_allows_what_the_table_says_and_nothing_else(world: World, rows: Rows, stage: str) -> None:
    order_id, found, left = STAGES[stage](world), {}, []
    for name, (path, token, request_for) in actions(world).items():
        before = rows.of(OWNERS)
        reason, code = outcome(world, path, request_for(order_id), token)
        found[name] = reason
        assert code not in OUR_FAULT, name
        if reason == OK:
            world.mesh.pump()
            order_id = STAGES[stage](world)
        elif rows.of(OWNERS) != before:
            left.append(name)

    expected = {
        name: OK if stage in stages else OTHERWISE.get((name, stage), REASONS[name]) for name, stages in ALLOWED.items()
    }
    assert found == expected
    assert left == []
