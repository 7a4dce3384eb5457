"""Cleans up after flows that stopped half-way and are not repeated: files attached to no product could never be deleted.

Files of a product that was never recorded are detached. A product whose change was not recorded has the files attached that
it shows. A deletion that was begun is finished.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import product_service_pb2 as messages
from meshkit.given_up import GivenUpFlows
from meshkit.ids import derived_id
from services.catalog.products.flows.delete_product import finish_deletion
from services.catalog.products.flows.restore_gallery import restore_gallery

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from meshkit.idempotency import GivenUp
    from services.catalog.outbound.ports import Galleries

_SERVICE = "/marketmesh.catalog.v1.ProductService"


def given_up_galleries(transactions: Transactions, galleries: Galleries) -> GivenUpFlows:
    """Return the sweep."""
    undo = _Undo(transactions, galleries)
    return GivenUpFlows(
        transactions,
        {
            f"{_SERVICE}/CreateProduct": undo.creation,
            f"{_SERVICE}/UpdateProduct": undo.change,
            f"{_SERVICE}/DeleteProduct": undo.deletion,
        },
    )


@dataclass(frozen=True)
class _Undo:
    transactions: Transactions
    galleries: Galleries

    def creation(self, call: Call, flow: GivenUp) -> None:
        """Detach what was attached to a product that was never recorded: that happens together with the flow's answer."""
        self.galleries.detach_all(call, product_id=derived_id(flow.flow_id, "product"), store_id=flow.store_id)

    def change(self, call: Call, flow: GivenUp) -> None:
        """Attach what the product shows. Raises StateConflict while others keep changing it."""
        product_id = uuid.UUID(messages.UpdateProductRequest.FromString(flow.request).product_id)
        restore_gallery(
            self.transactions,
            call,
            product_id=product_id,
            store_id=flow.store_id,
            flow_id=flow.flow_id,
            galleries=self.galleries,
            only_if_held=True,
        )

    def deletion(self, call: Call, flow: GivenUp) -> None:
        """Do what is left of a deletion: the product is hidden for good since its first step."""
        product_id = uuid.UUID(messages.DeleteProductRequest.FromString(flow.request).product_id)
        finish_deletion(
            self.transactions,
            call,
            product_id=product_id,
            store_id=flow.store_id,
            flow_id=flow.flow_id,
            galleries=self.galleries,
        )
