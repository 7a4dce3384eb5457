"""What fulfillment needs from outside, as its flows see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid

    from marketmesh.commerce.v1.order_pb2 import Order
    from meshkit.call import Call


class Orders(Protocol):
    """Commerce: decides which state an order may take."""

    def read(self, call: Call, order_id: uuid.UUID) -> Order:
        """Return an order as it is now. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def advance(self, call: Call, order_id: uuid.UUID, *, step: str, agent_user_id: uuid.UUID) -> Order:
        """Move an order on (`pickup`, `deliver`); idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...


class Cash(Protocol):
    """Finance: keeps the ledger."""

    def collect(self, call: Call, *, order: Order, agent_user_id: uuid.UUID, amount_cents: int, currency: str) -> str:
        """Post collected cash, once; returns the payment's status. Raises RemoteRefusal, DependencyUnavailable."""
        ...
