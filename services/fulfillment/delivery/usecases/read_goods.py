"""What is in a delivery and where it goes: commerce knows, and shows the address to no other service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.fulfillment.outbound.ports import Goods, Orders


def read_goods(tx: Tx, order_ids: Sequence[uuid.UUID], *, orders: Orders, soon: bool) -> Mapping[uuid.UUID, Goods]:
    """Return the goods of orders by order id, in one call; none while commerce is away, as deliveries are shown without too.

    `soon`: do not wait long, as a list is better without addresses than late.
    """
    if not order_ids:
        return {}
    try:
        return orders.read_goods(tx.outside(), order_ids, soon=soon)
    except (DependencyUnavailable, RemoteRefusal) as error:
        get_logger().warning("deliveries.goods_not_read", error=str(error))
        return {}
