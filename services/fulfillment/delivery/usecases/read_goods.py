"""What is in a delivery and where it goes: commerce knows, and keeps the address to itself but for this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from marketmesh.commerce.v1.order_pb2 import Order
    from meshkit.db.tx import Tx
    from services.fulfillment.outbound.ports import Orders


def read_goods(tx: Tx, rows: Iterable[Any], *, orders: Orders, soon: bool) -> Mapping[uuid.UUID, Order]:
    """Return the orders of deliveries by id, asked for at once; none while commerce is away, for the rest is known here.

    `soon` is for what is better without addresses than late, as a list is; who is on the road waits for the one.
    """
    order_ids = [row.order_id for row in rows]
    if not order_ids:
        return {}
    try:
        return orders.read_many(tx.outside(), order_ids, soon=soon)
    except (DependencyUnavailable, RemoteRefusal) as error:
        get_logger().warning("deliveries.goods_not_read", error=str(error))
        return {}
