"""CatalogAdminService: what administrators ask of catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import parse_id
from services.catalog.products.api import mapping
from services.catalog.products.usecases.explain_visibility import explain_visibility

if TYPE_CHECKING:
    from marketmesh.catalog.v1 import product_service_pb2 as messages
    from meshkit.db.tx import Tx


class CatalogAdminServicer:
    """Translates; the rules are in the use cases."""

    def ExplainProductVisibility(
        self, request: messages.GetProductVisibilityRequest, tx: Tx
    ) -> messages.ProductVisibility:
        product_id = parse_id(request.product_id, field="product_id")
        explanation = explain_visibility(tx, product_id=product_id, buyer_state=request.buyer_state, store_id=None)
        return mapping.visibility_message(explanation)
