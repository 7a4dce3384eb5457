"""Puts galleries right that flows which nobody goes on with left attached: files of no product could never be deleted.

A product that was never recorded gets nothing, one whose change was not recorded gets what it shows, and one whose deletion
was begun loses its files and is done with.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import product_service_pb2 as messages
from meshkit import audit
from meshkit.errors import StateConflict
from meshkit.given_up import GivenUpFlows
from meshkit.ids import derived_id
from services.catalog.data import product_changes, products
from services.catalog.flows.delete_product import what_it_was

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from meshkit.idempotency import GivenUp
    from services.catalog.outbound.ports import Galleries

_SERVICE = "/marketmesh.catalog.v1.ProductService"
_TRIES = 3


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
        # Derived, so that the next run knows what this one had begun.
        mine = derived_id(flow.flow_id, "undo")
        holders: set[uuid.UUID | None] = {flow.flow_id, mine}
        for _ in range(_TRIES):
            # A flow that set out before us finds its gallery taken at its end and puts right what it attached.
            shown = self._take_gallery(call, product_id, flow.store_id, holders=holders, mine=mine)
            if shown is None:
                return
            self._attach(call, product_id, flow.store_id, *shown)
            with self.transactions.read(call) as tx:
                holder = product_changes.gallery_flow(tx, product_id)
            if holder in {mine, None}:
                return
            # Somebody set out after us: our files may have replaced theirs, so theirs must not be recorded as they are.
            holders = {holder}
        raise StateConflict("The gallery is being changed.", state="changing")

    def deletion(self, call: Call, flow: GivenUp) -> None:
        """Do what is left of a deletion: the product is hidden for good since its first step."""
        product_id = uuid.UUID(messages.DeleteProductRequest.FromString(flow.request).product_id)
        with self.transactions.read(call) as tx:
            if product_changes.gallery_flow(tx, product_id) != flow.flow_id:
                return
        self.galleries.detach_all(call, product_id=product_id, store_id=flow.store_id)
        with self.transactions.write(call) as tx:
            before = what_it_was(tx, product_changes.lock(tx, product_id, store_id=flow.store_id))
            product_changes.remove_media(tx, product_id)
            audit.write_rows(tx, action="product.delete", changes=[audit.Change(product_id, before, {"deleted": True})])

    def _take_gallery(
        self, call: Call, product_id: uuid.UUID, store_id: uuid.UUID, *, holders: set[uuid.UUID | None], mine: uuid.UUID
    ) -> tuple[list[uuid.UUID], uuid.UUID | None] | None:
        """Return the pictures and the certificate that the product shows, its gallery being ours now.

        None if none of `holders` has it any more.
        """
        with self.transactions.write(call) as tx:
            row = product_changes.lock(tx, product_id, store_id=store_id)
            if row is None or row.deleted_at is not None or row.gallery_flow not in holders:
                return None
            product_changes.claim_gallery(tx, product_id, flow_id=mine)
            return products.media_ids_of(tx, product_id), row.coa_media_id

    def _attach(
        self, call: Call, product_id: uuid.UUID, store_id: uuid.UUID, shown: list[uuid.UUID], coa: uuid.UUID | None
    ) -> None:
        self.galleries.attach(call, product_id=product_id, store_id=store_id, media_ids=shown)
        self.galleries.attach_coa(call, product_id=product_id, store_id=store_id, media_id=coa)
