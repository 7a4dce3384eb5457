"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import (
    catalog_internal_service_pb2,
    inventory_service_pb2,
)
from services.catalog.products.api.mapping import inventory_message

if TYPE_CHECKING:
    from services.catalog.stock.data.inventory import StockChange
    from services.catalog.stock.data.stock_movements import StockMovement
    from services.catalog.stock.usecases.reserve_stock import Outcome


def movement_message(movement: StockMovement | StockChange) -> inventory_service_pb2.StockMovement:
    """Return a change of how many units there are."""
    message = inventory_service_pb2.StockMovement(
        id=str(movement.id),
        product_id=str(movement.product_id),
        kind=movement.kind,
        quantity=movement.quantity,
        available_after=movement.available_after,
        reason=movement.reason,
        cause=movement.cause,
        actor_user_id=str(movement.actor_user_id or ""),
    )
    message.created_at.FromDatetime(movement.created_at)
    return message


def stock_change_message(change: StockChange) -> inventory_service_pb2.StockChange:
    """Return a movement with what it left."""
    return inventory_service_pb2.StockChange(inventory=inventory_message(change), movement=movement_message(change))


def outcome_message(outcome: Outcome) -> catalog_internal_service_pb2.ReserveOutcome:
    """Return what became of a line."""
    return catalog_internal_service_pb2.ReserveOutcome(
        line_id=str(outcome.line_id), reserved=outcome.refusal is None, reason=outcome.refusal or ""
    )
