"""Puts galleries right that flows which nobody goes on with left attached: files of no product could never be deleted.

A product that was never recorded gets nothing, one whose change was not recorded gets what it shows, and one whose deletion
was begun loses its files and is done with.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import product_service_pb2 as messages
from meshkit.given_up import GivenUpFlows
from meshkit.ids import derived_id
from services.catalog.products.flows.delete_product import finish_deletion
from services.catalog.products.flows.put_gallery_right import put_gallery_right

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
        """Detach what was attached to a product that never came to be: it is recorded with the flow's answer."""
        self.galleries.detach_all(call, product_id=derived_id(flow.flow_id, "product"), store_id=flow.store_id)

    def change(self, call: Call, flow: GivenUp) -> None:
        """Attach what the product shows. Raises StateConflict while others keep changing it."""
        product_id = uuid.UUID(messages.UpdateProductRequest.FromString(flow.request).product_id)
        put_gallery_right(
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
