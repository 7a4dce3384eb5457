"""A warehouse in memory that keeps the port's promise: one row per event id."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from meshkit.errors import DependencyUnavailable
from services.analytics.outbound.ports import FOREVER, Party, lines_of
from services.analytics.reports.domain.kpis import OrderFact, PaymentFact

if TYPE_CHECKING:
    from collections.abc import Sequence

PAYMENTS = ("cash_collected", "order_paid")
NOT_ORDERS = (*PAYMENTS, "checkout_converted")


@dataclass
class MemoryWarehouse:
    """`is_away` refuses; `dies_after_load` loads, then raises as a killed process would look from outside."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    is_away: bool = False
    dies_after_load: bool = False

    def load(self, rows: Sequence[dict[str, Any]]) -> None:
        """See ports.Warehouse."""
        self._require()
        self.batches.append(len(rows))
        for row in rows:
            self.rows.setdefault(row["event_id"], row)
        if self.dies_after_load:
            raise KeyboardInterrupt

    def orders_of(self, party: Party, *, start: datetime, end: datetime, until: float = FOREVER) -> list[OrderFact]:
        """See ports.Warehouse."""
        self._require()
        newest: dict[str, dict[str, Any]] = {}
        for row in self._of(party, "ordered_at", start, end):
            known = newest.get(row["order_id"])
            if row["event_type"] not in NOT_ORDERS and (known is None or known["order_version"] < row["order_version"]):
                newest[row["order_id"]] = row
        return [
            OrderFact(
                datetime.fromisoformat(row["ordered_at"]),
                row["order_status"],
                row["gross_revenue_cents"],
                row["discounts_cents"],
                row["buyer_store_id"],
                row["buyer_zip"],
                lines_of(row["items"]),
            )
            for row in newest.values()
        ]

    def payments_of(self, party: Party, *, start: datetime, end: datetime, until: float = FOREVER) -> list[PaymentFact]:
        """See ports.Warehouse."""
        self._require()
        best: dict[str, dict[str, Any]] = {}
        for row in self._of(party, "occurred_at", start, datetime.max.replace(tzinfo=start.tzinfo)):
            if row["event_type"] in PAYMENTS and (row["order_id"] not in best or row["event_type"] == "order_paid"):
                best[row["order_id"]] = row
        facts = [
            PaymentFact(datetime.fromisoformat(row["occurred_at"]), row["gross_revenue_cents"]) for row in best.values()
        ]
        return [fact for fact in facts if fact.paid_at < end]

    def customers_before(self, party: Party, instant: datetime, *, until: float = FOREVER) -> set[str]:
        """See ports.Warehouse."""
        self._require()
        always = datetime.min.replace(tzinfo=instant.tzinfo)
        rows = self._of(party, "occurred_at", always, instant)
        return {row["buyer_store_id"] for row in rows if row["event_type"] in PAYMENTS}

    def _of(self, party: Party, column: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        return [
            row
            for row in self.rows.values()
            if row[f"{party.type}_store_id"] == str(party.store_id)
            and start <= datetime.fromisoformat(row[column]) < end
        ]

    def _require(self) -> None:
        if self.is_away:
            raise DependencyUnavailable("away", dependency="bigquery")


def warehouse_row(**changes: Any) -> dict[str, Any]:
    """Return a row of an order event, with changes."""
    row = {
        "event_id": str(uuid.uuid4()),
        "event_type": "order_created",
        "occurred_at": "2026-03-02T15:30:01+00:00",
        "ordered_at": "2026-03-02T15:30:00+00:00",
        "order_version": 1,
        "order_status": "created_pending",
        "checkout_group_id": str(uuid.uuid4()),
        "order_id": str(uuid.uuid4()),
        "buyer_store_id": str(uuid.uuid4()),
        "vendor_store_id": str(uuid.uuid4()),
        "currency": "USD",
        "buyer_zip": "74103",
        "buyer_lat": 36.154,
        "buyer_lng": -95.993,
        "subtotal_cents": 1_100,
        "discounts_cents": 100,
        "tax_cents": 0,
        "transport_fee_cents": 0,
        "gross_revenue_cents": 1_000,
        "items": [{"product_id": str(uuid.uuid4()), "product_name": 'Blue "Dream"', "qty": 2}],
    }
    return {**row, **changes}
