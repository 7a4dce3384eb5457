"""What agents and administrators do with cash that was collected."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketmesh.finance.v1 import (
    cash_admin_service_pb2,
    cash_admin_service_pb2_grpc,
    cash_agent_service_pb2,
    cash_agent_service_pb2_grpc,
    cash_pb2,
)
from tests.finance.paid_orders import Payments

if TYPE_CHECKING:
    from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
    from tests.support.mesh_harness import MeshHarness

Status = cash_pb2.HandInStatus.Value
# What an order of the tests costs.
COST = 12_345


@dataclass
class CashDesk:
    """An agent with cash, a station, somebody who counts there, and somebody else."""

    mesh: MeshHarness
    payments: Payments
    agent: uuid.UUID = field(default_factory=uuid.uuid4)
    counter: uuid.UUID = field(default_factory=uuid.uuid4)
    supervisor: uuid.UUID = field(default_factory=uuid.uuid4)

    def __post_init__(self) -> None:
        self.agents = self.mesh.stub(cash_agent_service_pb2_grpc.CashAgentServiceStub, "finance")
        self.admins = self.mesh.stub(cash_admin_service_pb2_grpc.CashAdminServiceStub, "finance")
        self.station = self.administer("CreateStation", name=f"Station {uuid.uuid4().hex}").station_id

    def carry(self, method: str, *, who: uuid.UUID | None = None, key: str = "", **fields: Any) -> Any:
        """Do something as an agent, this one or another."""
        name = "ListCashStations" if method == "ListStations" else method
        module = cash_pb2 if method == "ListStations" else cash_agent_service_pb2
        request = getattr(module, f"{name}Request")(**fields)
        return self._call(self.agents, method, request, self.mesh.agent_token(who or self.agent), key)

    def administer(self, method: str, *, who: uuid.UUID | None = None, key: str = "", **fields: Any) -> Any:
        """Do something as an administrator: whoever counts, or another."""
        request = getattr(cash_admin_service_pb2, f"{method}Request")(**fields)
        return self._call(self.admins, method, request, self.mesh.admin_token(who or self.counter), key)

    def _call(self, stub: Any, method: str, request: Any, token: str, key: str) -> Any:
        fresh = "" if method.startswith(("Get", "List")) else key or uuid.uuid4().hex
        return self.mesh.call(getattr(stub, method), request, token=token, key=fresh)[0]

    def collected(self, **changes: Any) -> commerce.OrderSnapshot:
        """Report a new, delivered order whose cash the agent took."""
        order = self.payments.opened(**changes)
        self.payments.collect(order, agent_user_id=str(self.agent))
        return self.payments.delivered(order)

    def declare(
        self, *orders: commerce.OrderSnapshot, cents: int = COST, currency: str = "USD", **more: Any
    ) -> cash_pb2.HandIn:
        """Hand the cash of orders in, each with that sum."""
        items = [cash_agent_service_pb2.DeclaredCash(order_id=order.order_id, declared_cents=cents) for order in orders]
        fields = {"station_id": self.station, "currency": currency, "items": items, **more}
        answer: cash_pb2.HandIn = self.carry("DeclareHandIn", **fields)
        return answer

    def count(
        self, hand_in: cash_pb2.HandIn, *cents: int, who: uuid.UUID | None = None, **more: Any
    ) -> cash_pb2.HandIn:
        """Count a hand-in, in the order of its items; what was declared unless sums are given."""
        sums = cents or tuple(item.declared_cents for item in hand_in.items)
        counts = [
            cash_admin_service_pb2.CountedCash(order_id=item.order_id, counted_cents=counted)
            for item, counted in zip(hand_in.items, sums, strict=True)
        ]
        fields = {"hand_in_id": hand_in.hand_in_id, "currency": hand_in.currency, "counts": counts, **more}
        answer: cash_pb2.HandIn = self.administer("CountHandIn", who=who, **fields)
        return answer

    def mismatched(self, *, counted: int = COST - 100, declared: int = COST) -> tuple[commerce.OrderSnapshot, str]:
        """Count one dollar too little of an order's cash; returns the order and the mismatch's id."""
        order = self.collected()
        answer = self.count(self.declare(order, cents=declared), counted)
        return order, str(answer.items[0].mismatch_id)

    def resolve(self, mismatch_id: str, *, who: uuid.UUID | None = None, **changes: Any) -> cash_pb2.CashMismatch:
        """Resolve a mismatch as the supervisor, or as somebody else."""
        fields = {
            "mismatch_id": mismatch_id,
            "reason": "nobody knows",
            "recovered_cents": 0,
            "currency": "USD",
            **changes,
        }
        answer: cash_pb2.CashMismatch = self.administer("ResolveMismatch", who=who or self.supervisor, **fields)
        return answer

    def held(self) -> int:
        """Return what the agent carries, as the ledger says."""
        return self.payments.balance("cash_in_transit", str(self.agent))

    def at_station(self) -> int:
        """Return what the station has, as the ledger says."""
        return self.payments.balance("cash_clearing", self.station)

    def differences(self, order: commerce.OrderSnapshot) -> list[int]:
        """Return what was written off of an order."""
        return [
            cents for type_, kind, *_, cents in self.payments.postings(order) if kind == "cash_difference" and type_
        ]

    def pages(self, call: Any, *, limit: int) -> list[list[Any]]:
        """Return the items of each page of a list."""
        pages, cursor = [], ""
        while True:
            answer = call(limit=limit, cursor=cursor)
            pages.append(list(answer.items))
            cursor = answer.next_cursor
            if not cursor:
                return pages

    def audited(self, target: str, action: str) -> list[Any]:
        """Return the audit rows of an action, oldest first."""
        sql = "SELECT * FROM audit_log WHERE target = :target AND action = :action ORDER BY seq"
        return self.mesh.rows("finance", sql, target=target, action=action)
