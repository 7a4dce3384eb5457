"""DeliveryCodeService: the buyer's one-time code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.fulfillment.v1 import delivery_code_service_pb2 as messages
from meshkit.ids import parse_id
from services.fulfillment.delivery.usecases.read_delivery_code import read_delivery_code

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class DeliveryCodeServicer:
    """Translates; the rules are in the use cases."""

    code_key: bytes

    def GetDeliveryCode(self, request: messages.GetDeliveryCodeRequest, tx: Tx) -> messages.DeliveryCode:
        order_id = parse_id(request.order_id, field="order_id")
        code = read_delivery_code(tx, order_id=order_id, key=self.code_key)
        return messages.DeliveryCode(order_id=str(order_id), code=code)
