"""What payments do when commerce announces a new or a changed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from meshkit.events.registry import Consumer
from services.finance.payments.usecases.follow_order import follow_order
from services.finance.payments.usecases.open_intents import open_intents
from services.finance.settings import FinanceSettings

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

OrderChange: TypeAlias = (
    commerce.OrderDecided
    | commerce.OrderReadyForDispatch
    | commerce.OrderStateChanged
    | commerce.OrderCanceled
    | commerce.OrderExpired
)


def consumers(settings: FinanceSettings | None = None) -> tuple[Consumer, ...]:
    """Return finance's consumers; without settings they can be listed but not run."""

    def orders_created(tx: Tx, events: list[commerce.OrderCreated]) -> None:
        assert settings is not None, "consumers without settings are only for listing"
        orders = (event.order for event in events)
        open_intents(tx, orders, fee_basis_points=settings.platform_fee_basis_points)

    return (
        Consumer("finance", "commerce.order.v1")
        .on_batch(commerce.OrderCreated, orders_created)
        .on(commerce.OrderDecided, order_changed)
        .on(commerce.OrderReadyForDispatch, order_changed)
        .on(commerce.OrderStateChanged, order_changed)
        .on(commerce.OrderCanceled, order_changed)
        .on(commerce.OrderExpired, order_changed),
    )


def order_changed(tx: Tx, event: OrderChange) -> None:
    """Follow a change of an order after its creation."""
    follow_order(tx, event.order)
