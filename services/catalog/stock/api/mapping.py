"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.catalog.v1 import (
    catalog_internal_service_pb2,
    inventory_service_pb2,
)
from services.catalog.stock.domain.stock import is_low

if TYPE_CHECKING:
    from services.catalog.stock.usecases.reserve_stock import Outcome
from services.catalog.products.api.mapping import inventory_message, own_summary_message


def inventory_item_message(row: Any) -> inventory_service_pb2.InventoryItem:
    """Return one row of a vendor's stock."""
    return inventory_service_pb2.InventoryItem(
        product=own_summary_message(row),
        low_stock=is_low(available_qty=row.available_qty, low_stock_threshold=row.low_stock_threshold),
    )


def movement_message(row: Any) -> inventory_service_pb2.StockMovement:
    """Return a change of how many units there are."""
    message = inventory_service_pb2.StockMovement(
        id=str(row.id),
        product_id=str(row.product_id),
        kind=row.kind,
        quantity=row.quantity,
        available_after=row.available_after,
        reason=row.reason,
        cause=row.cause,
        actor_user_id=str(row.actor_user_id or ""),
    )
    message.created_at.FromDatetime(row.created_at)
    return message


def stock_change_message(row: Any) -> inventory_service_pb2.StockChange:
    """Return a movement with what it left."""
    return inventory_service_pb2.StockChange(inventory=inventory_message(row), movement=movement_message(row))


def outcome_message(outcome: Outcome) -> catalog_internal_service_pb2.ReserveOutcome:
    """Return what became of a line."""
    return catalog_internal_service_pb2.ReserveOutcome(
        line_id=str(outcome.line_id), reserved=outcome.refusal is None, reason=outcome.refusal or ""
    )
