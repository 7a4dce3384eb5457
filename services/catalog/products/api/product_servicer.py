"""ProductService: browsing and selling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import product_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.catalog.products.api import mapping, requests
from services.catalog.products.flows.create_product import create_product
from services.catalog.products.flows.delete_product import delete_product
from services.catalog.products.flows.update_product import update_product
from services.catalog.products.usecases.explain_visibility import explain_visibility
from services.catalog.products.usecases.list_products import list_products, list_vendor_products
from services.catalog.products.usecases.read_product import read_product
from services.catalog.products.usecases.sign_pictures import sign_pictures
from services.catalog.promos.api.mapping import promo_message
from services.catalog.promos.usecases.create_promo import create_promo
from services.catalog.promos.usecases.deactivate_promo import deactivate_promo
from services.catalog.promos.usecases.list_promos import list_promos
from services.catalog.stock.usecases.set_inventory import set_inventory

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from marketmesh.catalog.v1 import product_pb2
    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries, PictureReader


@dataclass(frozen=True)
class ProductServicer:
    """Translates; the rules are in the use cases."""

    galleries: Galleries
    pictures: PictureReader
    # Whether stores without a verified licence see other stores' products.
    unverified: bool

    def ListProducts(self, request: messages.ListProductsRequest, tx: Tx) -> messages.ListProductsResponse:
        page = Page.of(request)
        rows, following = list_products(
            tx, state=request.state, filters=requests.filters_of(request), page=page, unverified=self.unverified
        )
        urls = sign_pictures(tx, mapping.shown_in(rows), pictures=self.pictures)
        return messages.ListProductsResponse(
            items=[mapping.summary_message(row, urls) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def GetProduct(self, request: messages.GetProductRequest, tx: Tx) -> product_pb2.Product:
        product_id = parse_id(request.product_id, field="product_id")
        detail = read_product(tx, product_id=product_id, unverified=self.unverified)
        shown = (*mapping.shown_in([detail.row]), *detail.media_ids, detail.row.coa_media_id)
        urls = sign_pictures(tx, shown, pictures=self.pictures)
        return mapping.product_message(detail, is_own=detail.row.store_id == tx.principal.store_id, urls=urls)

    def ListVendorProducts(self, request: messages.ListProductsRequest, tx: Tx) -> messages.ListProductsResponse:
        page = Page.of(request, list_name="own")
        rows, following = list_vendor_products(tx, state=request.state, filters=requests.filters_of(request), page=page)
        urls = sign_pictures(tx, mapping.shown_in(rows), pictures=self.pictures)
        return messages.ListProductsResponse(
            items=[mapping.own_summary_message(row, urls) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def CreateProduct(self, request: messages.CreateProductRequest, flow: Flow) -> Message:
        return create_product(
            flow,
            requests.new_product_of(request),
            galleries=self.galleries,
            respond=lambda detail: mapping.product_message(detail, is_own=True),
        )

    def UpdateProduct(self, request: messages.UpdateProductRequest, flow: Flow) -> Message:
        return update_product(
            flow,
            requests.product_change_of(request),
            product_id=parse_id(request.product_id, field="product_id"),
            galleries=self.galleries,
            respond=lambda detail: mapping.product_message(detail, is_own=True),
        )

    def DeleteProduct(self, request: messages.DeleteProductRequest, flow: Flow) -> Message:
        return delete_product(
            flow,
            product_id=parse_id(request.product_id, field="product_id"),
            galleries=self.galleries,
            answer=messages.DeleteProductResponse(),
        )

    def GetProductVisibility(self, request: messages.GetProductVisibilityRequest, tx: Tx) -> messages.ProductVisibility:
        explanation = explain_visibility(
            tx,
            product_id=parse_id(request.product_id, field="product_id"),
            buyer_state=request.buyer_state,
            store_id=tx.principal.require_store,
        )
        return mapping.visibility_message(explanation)

    def ListPromos(self, request: messages.ListPromosRequest, tx: Tx) -> messages.ListPromosResponse:
        page = Page.of(request)
        rows, following = list_promos(tx, active_only=request.active_only, page=page)
        return messages.ListPromosResponse(
            items=[promo_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def DeactivatePromo(self, request: messages.DeactivatePromoRequest, tx: Tx) -> messages.Promo:
        return promo_message(deactivate_promo(tx, promo_id=parse_id(request.promo_id, field="promo_id")))

    def SetInventory(self, request: messages.SetInventoryRequest, tx: Tx) -> product_pb2.Inventory:
        stock = set_inventory(
            tx,
            product_id=parse_id(request.product_id, field="product_id"),
            available_qty=(
                requests.checked_units(request.available_qty, field="available_qty")
                if request.HasField("available_qty")
                else None
            ),
            low_stock_threshold=request.low_stock_threshold if request.HasField("low_stock_threshold") else None,
            field="available_qty",
        )
        return mapping.inventory_message(stock)

    def CreatePromo(self, request: messages.CreatePromoRequest, tx: Tx) -> messages.Promo:
        return promo_message(create_promo(tx, code=request.code, amount_cents=request.amount_cents))
