"""What fulfillment needs from outside, as its flows see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from marketmesh.commerce.v1.order_pb2 import OrderLineItem
    from marketmesh.type.v1.address_pb2 import Address
    from meshkit.call import Call
    from services.fulfillment.delivery.domain.order import Order


@dataclass(frozen=True, slots=True)
class Goods:
    """What is in a delivery and where it goes.

    Address and lines are only passed on: fulfillment's contract shows them as commerce's does.
    """

    discount_cents: int
    due_cents: int
    fulfillment_status: str
    shipping_address: Address
    items: Sequence[OrderLineItem]
    notes: str


class Orders(Protocol):
    """Commerce: decides which state an order may take."""

    def read(self, call: Call, order_id: uuid.UUID) -> Order:
        """Return an order as it is now. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def read_goods(self, call: Call, order_ids: Sequence[uuid.UUID], *, soon: bool) -> dict[uuid.UUID, Goods]:
        """Return the goods of those of at most 100 orders that exist, by order id.

        `soon` waits a second at most. Raises RemoteRefusal, DependencyUnavailable.
        """
        ...

    def advance(self, call: Call, order_id: uuid.UUID, *, step: str, agent_user_id: uuid.UUID) -> Order:
        """Move an order on (`pickup`, `deliver`); idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...


@dataclass(frozen=True)
class Payment:
    """Where an order's money is, and who collected it when."""

    status: str
    collected_at: datetime | None
    collected_by: uuid.UUID | None


class Cash(Protocol):
    """Finance: keeps the ledger."""

    def read(self, call: Call, order_id: uuid.UUID) -> Payment:
        """Return an order's payment as it is now. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def collect(
        self, call: Call, *, order: Order, agent_user_id: uuid.UUID, amount_cents: int, currency: str
    ) -> Payment:
        """Post collected cash, once; returns the payment. Raises RemoteRefusal, DependencyUnavailable."""
        ...


@dataclass(frozen=True)
class ProofUpload:
    """Where an agent puts a file, once, with exactly these headers."""

    media_id: str
    signed_put_url: str
    content_type: str
    expires_at: datetime
    headers: Mapping[str, str]


class Proofs(Protocol):
    """Media: keeps photos and signatures, as files of the vendor's store."""

    def presign(
        self,
        call: Call,
        *,
        media_id: uuid.UUID,
        store_id: uuid.UUID,
        user_id: uuid.UUID,
        mime_type: str,
        file_name: str,
        size_bytes: int,
    ) -> ProofUpload:
        """Announce a file under an id of ours; idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def attach(self, call: Call, *, order_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID) -> None:
        """Make a file the proof of an order; idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def detach(self, call: Call, *, order_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Leave an order without proof; idempotent. Raises RemoteRefusal, DependencyUnavailable."""
        ...
