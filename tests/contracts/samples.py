"""One valid call per RPC, made fresh each time. A new RPC without a sample fails the standard set."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from google.api import httpbody_pb2
from google.protobuf.message import Message

from marketmesh.ads.v1 import ad_service_pb2 as ads
from marketmesh.analytics.v1 import analytics_service_pb2 as analytics
from marketmesh.catalog.v1 import catalog_internal_service_pb2 as catalog_internal
from marketmesh.catalog.v1 import inventory_service_pb2 as inventory
from marketmesh.catalog.v1 import product_service_pb2 as catalog
from marketmesh.catalog.v1 import product_sheet_service_pb2 as sheets
from marketmesh.commerce.v1 import cart_service_pb2 as cart
from marketmesh.commerce.v1 import commerce_internal_service_pb2 as commerce_internal
from marketmesh.commerce.v1 import customer_service_pb2 as customers
from marketmesh.commerce.v1 import order_service_pb2 as orders
from marketmesh.finance.v1 import cash_admin_service_pb2 as cash_admin
from marketmesh.finance.v1 import cash_agent_service_pb2 as cash_agent
from marketmesh.finance.v1 import cash_pb2, ledger_pb2
from marketmesh.finance.v1 import earnings_service_pb2 as earnings
from marketmesh.finance.v1 import finance_internal_service_pb2 as finance_internal
from marketmesh.finance.v1 import ledger_admin_service_pb2 as ledger_admin
from marketmesh.finance.v1 import ledger_service_pb2 as ledger
from marketmesh.finance.v1 import payout_batch_service_pb2 as payouts
from marketmesh.finance.v1 import payout_service_pb2 as finance
from marketmesh.finance.v1 import reconciliation_service_pb2 as reconciliation
from marketmesh.fulfillment.v1 import admin_service_pb2 as fulfillment_admin
from marketmesh.fulfillment.v1 import delivery_code_service_pb2 as delivery_codes
from marketmesh.fulfillment.v1 import delivery_service_pb2 as agent
from marketmesh.identity.v1 import admin_service_pb2 as identity_admin
from marketmesh.identity.v1 import auth_service_pb2 as auth
from marketmesh.identity.v1 import license_service_pb2 as licenses
from marketmesh.identity.v1 import notification_service_pb2 as notifications
from marketmesh.identity.v1 import store_service_pb2 as stores
from marketmesh.media.v1 import media_internal_service_pb2 as media_internal
from marketmesh.media.v1 import media_service_pb2 as media
from tests.contracts.world import World
from tests.support.identity import PASSWORD, register_request


@dataclass
class Sample:
    """A valid call: who, what, another valid request for the same key, and who must not see the resource."""

    token: str
    request: Message
    # Makes the request another one, for a reused key.
    other: Callable[[Any], object] | None = None
    # A caller of the same kind to whom the resource is foreign; None when the caller is staff, who see all.
    foreign_token: str = ""


def _set(**values: object) -> Callable[[Any], object]:
    def change(request: Any) -> None:
        for name, value in values.items():
            setattr(request, name, value)

    return change


def _admin_register(_: World) -> Sample:
    request = auth.AdminRegisterRequest(
        first_name="A", last_name="A", email=f"{uuid.uuid4().hex}@example.com", password=PASSWORD
    )
    return Sample("", request, _set(first_name="B"))


def _create_agent(world: World) -> Sample:
    request = identity_admin.CreateAgentRequest(
        first_name="A", last_name="A", email=f"{uuid.uuid4().hex}@example.com", password=PASSWORD
    )
    return Sample(world.admin, request, _set(first_name="B"))


def _create_license(world: World) -> Sample:
    request = licenses.CreateLicenseRequest(
        media_id=world.new_media(world.vendor), issuing_state="OK", type=1, number=uuid.uuid4().hex
    )
    return Sample(world.vendor.token, request, _set(issuing_state="TX"), world.other_vendor.token)


def _set_logo(world: World) -> Sample:
    request = stores.SetStoreLogoRequest(media_id=world.new_media(world.vendor, kind="store"))
    another = world.new_media(world.vendor, kind="store")
    return Sample(world.vendor.token, request, _set(media_id=another), world.other_vendor.token)


def _decide_line(world: World) -> Sample:
    order = world.new_order()
    request = orders.DecideLineItemRequest(
        order_id=order.order_id, line_item_id=order.items[0].line_item_id, decision=1
    )
    return Sample(world.vendor.token, request, _set(decision=2), world.other_vendor.token)


def _order(world: World, request: Any, side: str, **other: object) -> Sample:
    token, foreign = (
        (world.vendor.token, world.other_vendor.token)
        if side == "vendor"
        else (world.buyer.token, world.other_buyer.token)
    )
    return Sample(token, request, _set(**other), foreign)


def _sheet(sku: str) -> sheets.ImportProductsRequest:
    return sheets.ImportProductsRequest(
        sheet=httpbody_pb2.HttpBody(content_type="text/csv", data=f"sku,title\n{sku},Changed\n".encode())
    )


def _reserve(world: World) -> Sample:
    line = catalog_internal.ReserveLine(
        line_id=str(uuid.uuid4()),
        order_id=str(uuid.uuid4()),
        product_id=world.new_product(world.vendor).id,
        quantity=1,
    )
    request = catalog_internal.ReserveRequest(group_id=str(uuid.uuid4()), lines=[line], expires_in_s=60)
    return Sample(world.mesh.service_token(), request)


def _collect_cash_internal(world: World) -> Sample:
    order = world.new_delivery(upto="delivered")
    request = finance_internal.CollectCashRequest(
        order_id=order.order_id,
        agent_user_id=world.agent_id,
        amount_cents=order.total_cents,
        currency="USD",
        order_total_cents=order.total_cents,
        order_version=1,
    )
    return Sample(world.mesh.service_token("fulfillment"), request)


def _close_period(world: World) -> Sample:
    # A day long ago that nobody closed yet: everybody else posts for today.
    rows = world.mesh.rows("finance", "SELECT max(closed_through) AS day FROM period_closings")
    day = (rows[0].day or date(1990, 1, 1)) + timedelta(days=1)
    return Sample(
        world.admin,
        ledger_admin.ClosePeriodRequest(closed_through=day.isoformat(), reason="over"),
        _set(reason="other"),
    )


def _post_hold(world: World) -> Sample:
    request = ledger.PostHoldRequest(hold_id=world.new_hold(), to=ledger_pb2.AccountName(kind=2, currency="USD"))
    return Sample(world.mesh.service_token("operator"), request)


def _reconcile(world: World) -> Sample:
    request = media_internal.ReconcileAttachmentsRequest(
        entity_type=3,
        entity_id=str(uuid.uuid4()),
        store_id=world.vendor.store_id,
        media_ids=[world.new_media(world.vendor, kind="product")],
        allowed_kinds=[media.MediaKind.Value.product],
    )
    return Sample(world.mesh.service_token("catalog"), request)


def _agent(world: World, request: Any, **other: object) -> Sample:
    # An agent who once had the order is told what became of it; this one never had any.
    stranger = world.mesh.agent_token(uuid.uuid4())
    return Sample(world.agent, request, _set(**other) if other else _set(order_id=str(uuid.uuid4())), stranger)


_IDENTITY: dict[str, Callable[[World], Sample]] = {
    "identity.v1.AuthService/Register": lambda w: Sample("", register_request(), _set(company_name="Other")),
    "identity.v1.AuthService/Login": lambda w: Sample("", auth.LoginRequest(email=w.buyer.email, password=PASSWORD)),
    "identity.v1.AuthService/AdminRegister": _admin_register,
    "identity.v1.AuthService/Refresh": lambda w: Sample("", auth.RefreshRequest(refresh_token=w.login(w.buyer)[1])),
    "identity.v1.AuthService/Logout": lambda w: Sample(w.login(w.buyer)[0], auth.LogoutRequest()),
    "identity.v1.AuthService/SwitchStore": lambda w: Sample(
        w.login(w.buyer)[0], auth.SwitchStoreRequest(store_id=w.buyer.store_id)
    ),
    "identity.v1.AuthService/GetJwks": lambda w: Sample("", auth.GetJwksRequest()),
    "identity.v1.StoreService/GetMyStore": lambda w: Sample(w.vendor.token, stores.GetMyStoreRequest()),
    "identity.v1.StoreService/GetStore": lambda w: Sample(
        w.vendor.token, stores.GetStoreRequest(store_id=w.buyer.store_id)
    ),
    "identity.v1.StoreService/SetStoreLogo": _set_logo,
    "identity.v1.StoreService/RemoveStoreLogo": lambda w: Sample(w.vendor.token, stores.RemoveStoreLogoRequest()),
    "identity.v1.LicenseService/CreateLicense": _create_license,
    "identity.v1.LicenseService/ListLicenses": lambda w: Sample(w.vendor.token, licenses.ListLicensesRequest()),
    "identity.v1.IdentityAdminService/CreateAgent": _create_agent,
    "identity.v1.IdentityAdminService/ListPendingLicenses": lambda w: Sample(
        w.admin, identity_admin.ListPendingLicensesRequest()
    ),
    "identity.v1.IdentityAdminService/VerifyLicense": lambda w: Sample(
        w.admin,
        identity_admin.VerifyLicenseRequest(license_id=w.new_license(w.vendor).id, decision=1),
        _set(decision=2, reason="no"),
    ),
    "identity.v1.IdentityAdminService/SetSubscriptionActive": lambda w: Sample(
        w.admin,
        identity_admin.SetSubscriptionActiveRequest(store_id=w.vendor.store_id, active=True, reason="test"),
        _set(reason="other"),
    ),
    "identity.v1.NotificationService/ListNotifications": lambda w: Sample(
        w.vendor.token, notifications.ListNotificationsRequest()
    ),
    "identity.v1.NotificationService/MarkNotificationRead": lambda w: Sample(
        w.vendor.token,
        notifications.MarkNotificationReadRequest(notification_id=w.new_notification()),
        _set(notification_id=str(uuid.uuid4())),
        w.other_vendor.token,
    ),
    "identity.v1.NotificationService/MarkAllNotificationsRead": lambda w: Sample(
        w.vendor.token, notifications.MarkAllNotificationsReadRequest()
    ),
}
_MEDIA: dict[str, Callable[[World], Sample]] = {
    "media.v1.MediaService/PresignUpload": lambda w: Sample(
        w.vendor.token,
        media.PresignUploadRequest(media_kind=4, mime_type="application/pdf", file_name="x.pdf", size_bytes=10),
        _set(size_bytes=11),
    ),
    "media.v1.MediaService/FinalizeUpload": lambda w: Sample(
        w.vendor.token,
        media.FinalizeUploadRequest(media_id=w.new_media(w.vendor)),
        _set(media_id=str(uuid.uuid4())),
        w.other_vendor.token,
    ),
    "media.v1.MediaService/ListMedia": lambda w: Sample(w.vendor.token, media.ListMediaRequest()),
    "media.v1.MediaService/GetMediaUrl": lambda w: Sample(
        w.vendor.token, media.GetMediaUrlRequest(media_id=w.new_media(w.vendor)), None, w.other_vendor.token
    ),
    "media.v1.MediaInternalService/ReconcileAttachments": _reconcile,
    "media.v1.MediaInternalService/PresignForStore": lambda w: Sample(
        w.mesh.service_token("fulfillment"),
        media_internal.PresignForStoreRequest(
            media_id=str(uuid.uuid4()),
            store_id=w.vendor.store_id,
            user_id=w.agent_id,
            media_kind=media.MediaKind.Value.delivery_proof,
            mime_type="image/png",
            file_name="proof",
            size_bytes=10,
        ),
    ),
    "media.v1.MediaInternalService/SignReadUrls": lambda w: Sample(
        w.mesh.service_token("identity"), media_internal.SignReadUrlsRequest(media_ids=[w.new_media(w.vendor)])
    ),
}
_CATALOG: dict[str, Callable[[World], Sample]] = {
    "catalog.v1.ProductService/ListProducts": lambda w: Sample(w.buyer.token, catalog.ListProductsRequest()),
    "catalog.v1.ProductService/GetProduct": lambda w: Sample(
        w.vendor.token,
        catalog.GetProductRequest(product_id=w.new_product(w.vendor).id),
        None,
        w.mesh.store_token(uuid.uuid4()),
    ),
    "catalog.v1.ProductService/ListVendorProducts": lambda w: Sample(w.vendor.token, catalog.ListProductsRequest()),
    "catalog.v1.ProductService/CreateProduct": lambda w: Sample(
        w.vendor.token, w.product_request(), _set(title="Other")
    ),
    "catalog.v1.ProductService/SetInventory": lambda w: Sample(
        w.vendor.token,
        catalog.SetInventoryRequest(product_id=w.new_product(w.vendor).id, available_qty=7),
        _set(available_qty=8),
        w.other_vendor.token,
    ),
    "catalog.v1.ProductService/UpdateProduct": lambda w: Sample(
        w.vendor.token,
        catalog.UpdateProductRequest(product_id=w.new_product(w.vendor).id, title="Changed"),
        _set(title="Other"),
        w.other_vendor.token,
    ),
    "catalog.v1.ProductService/DeleteProduct": lambda w: Sample(
        w.vendor.token,
        catalog.DeleteProductRequest(product_id=w.new_product(w.vendor).id),
        _set(product_id=str(uuid.uuid4())),
        w.other_vendor.token,
    ),
    "catalog.v1.ProductService/GetProductVisibility": lambda w: Sample(
        w.vendor.token,
        catalog.GetProductVisibilityRequest(product_id=w.new_product(w.vendor).id),
        None,
        w.other_vendor.token,
    ),
    "catalog.v1.CatalogAdminService/ExplainProductVisibility": lambda w: Sample(
        w.admin, catalog.GetProductVisibilityRequest(product_id=w.new_product(w.vendor).id)
    ),
    "catalog.v1.ProductService/ListPromos": lambda w: Sample(w.vendor.token, catalog.ListPromosRequest()),
    "catalog.v1.ProductService/DeactivatePromo": lambda w: Sample(
        w.vendor.token,
        catalog.DeactivatePromoRequest(promo_id=w.new_promo(w.vendor)),
        _set(promo_id=str(uuid.uuid4())),
        w.other_vendor.token,
    ),
    "catalog.v1.ProductSheetService/ImportProducts": lambda w: Sample(
        w.vendor.token, _sheet(w.new_product(w.vendor).sku), lambda request: request.CopyFrom(_sheet("other"))
    ),
    "catalog.v1.ProductSheetService/ExportProducts": lambda w: Sample(w.vendor.token, sheets.ExportProductsRequest()),
    "catalog.v1.InventoryService/ListInventory": lambda w: Sample(w.vendor.token, inventory.ListInventoryRequest()),
    "catalog.v1.InventoryService/ReceiveStock": lambda w: Sample(
        w.vendor.token,
        inventory.ReceiveStockRequest(product_id=w.new_product(w.vendor).id, quantity=7),
        _set(quantity=8),
        w.other_vendor.token,
    ),
    "catalog.v1.InventoryService/AdjustStock": lambda w: Sample(
        w.vendor.token,
        inventory.AdjustStockRequest(product_id=w.new_product(w.vendor).id, quantity=-7, reason="broken"),
        _set(quantity=-8),
        w.other_vendor.token,
    ),
    "catalog.v1.InventoryService/CountStock": lambda w: Sample(
        w.vendor.token,
        inventory.CountStockRequest(product_id=w.new_product(w.vendor).id, counted_qty=7),
        _set(counted_qty=8),
        w.other_vendor.token,
    ),
    "catalog.v1.InventoryService/ListStockMovements": lambda w: Sample(
        w.vendor.token,
        inventory.ListStockMovementsRequest(product_id=w.new_product(w.vendor).id),
        None,
        w.other_vendor.token,
    ),
    "catalog.v1.ProductService/CreatePromo": lambda w: Sample(
        w.vendor.token,
        catalog.CreatePromoRequest(code=f"P{uuid.uuid4().hex[:10].upper()}", amount_cents=5),
        _set(amount_cents=6),
    ),
    "catalog.v1.CatalogInternalService/GetQuoteFacts": lambda w: Sample(
        w.mesh.service_token(), catalog_internal.GetQuoteFactsRequest(product_ids=[w.new_product(w.vendor).id])
    ),
    "catalog.v1.CatalogInternalService/Reserve": _reserve,
    "catalog.v1.CatalogInternalService/ReleaseGroup": lambda w: Sample(
        w.mesh.service_token(), catalog_internal.ReleaseGroupRequest(group_id=str(uuid.uuid4()))
    ),
}
_COMMERCE: dict[str, Callable[[World], Sample]] = {
    "commerce.v1.CartService/QuoteCart": lambda w: Sample(
        w.buyer.token,
        w.quote_request(w.buyer, [w.new_product(w.vendor)]),
        lambda r: r.items[0].MergeFrom(cart.CartIntentItem(quantity=3)),
    ),  # fmt: skip
    "commerce.v1.CartService/GetCart": lambda w: Sample(
        w.buyer.token if w.new_cart(w.buyer) else "", cart.GetCartRequest()
    ),
    "commerce.v1.CartService/ClearCart": lambda w: Sample(w.buyer.token, cart.ClearCartRequest()),
    "commerce.v1.CartService/Checkout": lambda w: Sample(
        w.buyer.token, w.checkout_request(w.new_cart(w.buyer)), _set(tip_cents=1), w.other_buyer.token
    ),
    "commerce.v1.CartService/GetConfirmation": lambda w: Sample(
        w.buyer.token, cart.GetConfirmationRequest(id=w.new_order().cart_id), None, w.other_buyer.token
    ),
    "commerce.v1.OrderService/ListOrders": lambda w: Sample(w.buyer.token, orders.ListOrdersRequest()),
    "commerce.v1.OrderService/GetOrder": lambda w: Sample(
        w.buyer.token, orders.GetOrderRequest(order_id=w.new_order().order_id), None, w.other_buyer.token
    ),
    "commerce.v1.OrderService/CancelOrder": lambda w: _order(
        w, orders.CancelOrderRequest(order_id=w.new_order().order_id), "buyer", reason="other"
    ),
    "commerce.v1.OrderService/DecideOrder": lambda w: _order(
        w, orders.DecideOrderRequest(order_id=w.new_order().order_id, decision=1), "vendor", decision=2
    ),
    "commerce.v1.OrderService/DecideLineItem": _decide_line,
    "commerce.v1.OrderService/FulfillOrder": lambda w: _order(
        w,
        orders.FulfillOrderRequest(order_id=w.new_order(accepted=True).order_id),
        "vendor",
        order_id=str(uuid.uuid4()),
    ),
    "commerce.v1.OrderService/NudgeOrder": lambda w: _order(
        w, orders.NudgeOrderRequest(order_id=w.new_order().order_id), "buyer", order_id=str(uuid.uuid4())
    ),
    "commerce.v1.OrderService/RetryOrder": lambda w: _order(
        w, orders.RetryOrderRequest(order_id=w.new_expired_order().order_id), "buyer", order_id=str(uuid.uuid4())
    ),
    "commerce.v1.OrderService/GetOrderPolicy": lambda w: Sample(w.vendor.token, orders.GetOrderPolicyRequest()),
    "commerce.v1.OrderService/SetInternalNotes": lambda w: _order(
        w,
        orders.SetInternalNotesRequest(order_id=w.new_order().order_id, internal_notes="Pays late."),
        "vendor",
        internal_notes="Pays in time.",
    ),
    "commerce.v1.OrderService/SetOrderPolicy": lambda w: Sample(
        w.vendor.token,
        orders.SetOrderPolicyRequest(nudge_after_days=5, expire_after_days=10),
        _set(expire_after_days=11),
    ),
    "commerce.v1.CustomerService/ListCustomers": lambda w: Sample(w.vendor.token, customers.ListCustomersRequest()),
    "commerce.v1.CommerceInternalService/ListOrdersForDelivery": lambda w: Sample(
        w.mesh.service_token("fulfillment"),
        commerce_internal.ListOrdersForDeliveryRequest(order_ids=[w.new_order().order_id]),
    ),
    "commerce.v1.CommerceInternalService/GetOrderForDelivery": lambda w: Sample(
        w.mesh.service_token("fulfillment"),
        commerce_internal.GetOrderForDeliveryRequest(order_id=w.new_order().order_id),
    ),
    "commerce.v1.CommerceInternalService/SettleCheckouts": lambda w: Sample(
        w.mesh.service_token("catalog"),
        commerce_internal.SettleCheckoutsRequest(group_ids=[str(uuid.uuid4())]),
    ),
    "commerce.v1.CommerceInternalService/AdvanceDelivery": lambda w: Sample(
        w.mesh.service_token("fulfillment"),
        commerce_internal.AdvanceDeliveryRequest(
            order_id=w.new_order(packed=True).order_id, step=1, agent_user_id=w.agent_id
        ),
    ),
}
_DELIVERY: dict[str, Callable[[World], Sample]] = {
    "fulfillment.v1.AgentService/ListQueue": lambda w: Sample(w.agent, agent.ListQueueRequest()),
    "fulfillment.v1.AgentService/ListMyDeliveries": lambda w: Sample(w.agent, agent.ListMyDeliveriesRequest()),
    "fulfillment.v1.AgentService/GetDelivery": lambda w: _agent(
        w, agent.GetDeliveryRequest(order_id=w.new_delivery().order_id)
    ),
    "fulfillment.v1.AgentService/PickUp": lambda w: _agent(w, agent.PickUpRequest(order_id=w.new_delivery().order_id)),
    "fulfillment.v1.AgentService/Deliver": lambda w: _agent(
        w, agent.DeliverRequest(order_id=w.new_delivery(upto="picked_up").order_id)
    ),
    "fulfillment.v1.AgentService/RequestProofUpload": lambda w: _agent(
        w,
        agent.RequestProofUploadRequest(
            order_id=w.new_delivery(upto="picked_up").order_id, kind=1, mime_type="image/png", size_bytes=10
        ),
        size_bytes=11,
    ),
    "fulfillment.v1.DeliveryCodeService/GetDeliveryCode": lambda w: Sample(
        w.buyer.token,
        delivery_codes.GetDeliveryCodeRequest(order_id=w.new_order(packed=True).order_id),
        foreign_token=w.other_buyer.token,
    ),
    "fulfillment.v1.FulfillmentAdminService/GetOrderDelivery": lambda w: Sample(
        w.admin, fulfillment_admin.GetOrderDeliveryRequest(order_id=w.new_order(packed=True).order_id)
    ),
    "fulfillment.v1.FulfillmentAdminService/ResetDeliveryCode": lambda w: Sample(
        w.admin,
        fulfillment_admin.ResetDeliveryCodeRequest(order_id=w.new_order(packed=True).order_id, reason="mistyped"),
        _set(reason="other"),
    ),
    "fulfillment.v1.AgentService/CollectCash": lambda w: _agent(
        w, w.cash_request(w.new_delivery(upto="delivered")), amount_cents=1
    ),
    "fulfillment.v1.FulfillmentAdminService/CorrectDelivery": lambda w: Sample(
        w.admin,
        fulfillment_admin.CorrectDeliveryRequest(
            order_id=w.new_order(packed=True).order_id, agent_user_id=w.agent_id, reason="seen with the goods"
        ),
        _set(agent_user_id=w.other_agent_id),
    ),
    "fulfillment.v1.FulfillmentAdminService/AssignAgent": lambda w: Sample(
        w.admin,
        fulfillment_admin.AssignAgentRequest(
            order_id=w.new_order(packed=True).order_id, agent_user_id=w.agent_id, reason="knows the way"
        ),
        _set(agent_user_id=w.other_agent_id),
    ),
}
_MONEY: dict[str, Callable[[World], Sample]] = {
    "finance.v1.FinanceAdminService/ListPayouts": lambda w: Sample(w.admin, finance.ListPayoutsRequest()),
    "finance.v1.FinanceAdminService/ConfirmPayout": lambda w: Sample(
        w.admin,
        finance.ConfirmPayoutRequest(order_id=w.new_delivery(upto="settled").order_id),
        _set(reference="other"),
    ),
    "finance.v1.FinanceAdminService/ReopenPayment": lambda w: Sample(
        w.admin,
        finance.ReopenPaymentRequest(order_id=w.new_failed_payment().order_id, reason="recounted"),
        _set(reason="other"),
    ),
    "finance.v1.FinanceAdminService/GetPayout": lambda w: Sample(
        w.admin, finance.GetPayoutRequest(order_id=w.new_delivery(upto="settled").order_id)
    ),
    "finance.v1.FinanceInternalService/GetPayment": lambda w: Sample(
        w.mesh.service_token("fulfillment"),
        finance_internal.GetPaymentRequest(order_id=w.new_delivery(upto="settled").order_id),
    ),
    "finance.v1.FinanceInternalService/CollectCash": _collect_cash_internal,
    "finance.v1.PayoutAdminService/RunPayouts": lambda w: Sample(
        w.admin,
        payouts.RunPayoutsRequest(vendor_store_id=w.new_delivery(upto="settled").vendor_store_id),
        _set(reference="other"),
    ),
    "finance.v1.PayoutAdminService/ListPayoutBatches": lambda w: Sample(w.admin, payouts.ListPayoutBatchesRequest()),
    "finance.v1.PayoutAdminService/GetPayoutBatch": lambda w: Sample(
        w.admin, payouts.GetPayoutBatchRequest(payout_id=w.new_payout())
    ),
    "finance.v1.PayoutAdminService/ApprovePayout": lambda w: Sample(
        w.mesh.admin_token(), payouts.ApprovePayoutRequest(payout_id=w.new_payout(waits=True)), _set(reference="other")
    ),
    "finance.v1.PayoutAdminService/RejectPayout": lambda w: Sample(
        w.admin,
        payouts.RejectPayoutRequest(payout_id=w.new_payout(waits=True), reason="no"),
        _set(reason="other"),
    ),
    "finance.v1.PayoutAdminService/ReturnPayout": lambda w: Sample(
        w.admin, payouts.ReturnPayoutRequest(payout_id=w.new_payout(), reason="closed"), _set(reason="other")
    ),
    "finance.v1.PayoutAdminService/HoldPayout": lambda w: Sample(
        w.admin,
        payouts.HoldPayoutRequest(order_id=w.new_delivery(upto="settled").order_id, reason="fraud?"),
        _set(reason="other"),
    ),
    "finance.v1.PayoutAdminService/ReleasePayout": lambda w: Sample(
        w.admin, payouts.ReleasePayoutRequest(order_id=w.new_held_payout(), reason="no"), _set(reason="other")
    ),
    "finance.v1.PayoutAdminService/RefundOrder": lambda w: Sample(
        w.admin,
        payouts.RefundOrderRequest(
            order_id=w.new_delivery(upto="settled").order_id, amount_cents=5, currency="USD", reason="broken"
        ),
        _set(amount_cents=6),
    ),
    "finance.v1.PayoutAdminService/CreditOrder": lambda w: Sample(
        w.admin,
        payouts.CreditOrderRequest(
            order_id=w.new_delivery(upto="delivered").order_id, amount_cents=5, currency="USD", reason="came back"
        ),
        _set(amount_cents=6),
    ),
    "finance.v1.ReconciliationService/ReconcileFile": lambda w: Sample(
        w.admin, w.bank_file(), _set(file_name="other.csv")
    ),
    "finance.v1.ReconciliationService/GetReconciliation": lambda w: Sample(
        w.admin, reconciliation.GetReconciliationRequest(report_id=w.new_reconciliation())
    ),
    "finance.v1.EarningsService/ListEarnings": lambda w: Sample(w.vendor.token, earnings.ListEarningsRequest()),
    "finance.v1.EarningsService/ConfirmPaid": lambda w: Sample(
        w.vendor.token,
        earnings.ConfirmPaidRequest(order_id=w.new_paid_order(), note="came"),
        _set(note="other"),
        w.other_vendor.token,
    ),
}
_CASH: dict[str, Callable[[World], Sample]] = {
    "finance.v1.CashAgentService/ListHeldCash": lambda w: Sample(w.agent, cash_agent.ListHeldCashRequest()),
    "finance.v1.CashAgentService/ListStations": lambda w: Sample(w.agent, cash_pb2.ListCashStationsRequest()),
    "finance.v1.CashAgentService/DeclareHandIn": lambda w: Sample(
        w.agent, w.hand_in_request(), _set(station_id=str(uuid.uuid4()))
    ),
    "finance.v1.CashAgentService/ListMyHandIns": lambda w: Sample(w.agent, cash_agent.ListMyHandInsRequest()),
    "finance.v1.CashAgentService/GetMyHandIn": lambda w: Sample(
        w.agent,
        cash_agent.GetMyHandInRequest(hand_in_id=w.new_hand_in().hand_in_id),
        foreign_token=w.other_agent,
    ),
    "finance.v1.CashAgentService/GetMyCashReport": lambda w: Sample(w.agent, cash_agent.GetMyCashReportRequest()),
    "finance.v1.CashAdminService/CreateStation": lambda w: Sample(
        w.admin, cash_admin.CreateStationRequest(name=uuid.uuid4().hex), _set(name="other")
    ),
    "finance.v1.CashAdminService/ListStations": lambda w: Sample(w.admin, cash_pb2.ListCashStationsRequest()),
    "finance.v1.CashAdminService/ListHandIns": lambda w: Sample(w.admin, cash_admin.ListHandInsRequest()),
    "finance.v1.CashAdminService/GetHandIn": lambda w: Sample(
        w.admin, cash_admin.GetHandInRequest(hand_in_id=w.new_hand_in().hand_in_id)
    ),
    "finance.v1.CashAdminService/CountHandIn": lambda w: Sample(w.admin, w.count_request(), _set(currency="EUR")),
    "finance.v1.CashAdminService/ListMismatches": lambda w: Sample(w.admin, cash_admin.ListMismatchesRequest()),
    "finance.v1.CashAdminService/GetMismatch": lambda w: Sample(
        w.admin, cash_admin.GetMismatchRequest(mismatch_id=w.new_mismatch())
    ),
    "finance.v1.CashAdminService/ResolveMismatch": lambda w: Sample(
        w.admin,
        cash_admin.ResolveMismatchRequest(
            mismatch_id=w.new_mismatch(), reason="lost", recovered_cents=0, currency="USD"
        ),
        _set(reason="other"),
    ),
    "finance.v1.CashAdminService/GetCashReport": lambda w: Sample(w.admin, cash_admin.GetCashReportRequest()),
}
_LEDGER: dict[str, Callable[[World], Sample]] = {
    "finance.v1.LedgerService/PostBatch": lambda w: Sample(
        w.mesh.service_token("operator"), ledger.PostBatchRequest(entries=[w.ledger_entry(str(uuid.uuid4()))])
    ),
    "finance.v1.LedgerService/PlaceHold": lambda w: Sample(w.mesh.service_token("operator"), w.hold_request()),
    "finance.v1.LedgerService/PostHold": _post_hold,
    "finance.v1.LedgerService/VoidHold": lambda w: Sample(
        w.mesh.service_token("operator"), ledger.VoidHoldRequest(hold_id=w.new_hold())
    ),
    "finance.v1.LedgerAdminService/GetTrialBalance": lambda w: Sample(w.admin, ledger_admin.GetTrialBalanceRequest()),
    "finance.v1.LedgerAdminService/ListAccounts": lambda w: Sample(w.admin, ledger_admin.ListAccountsRequest()),
    "finance.v1.LedgerAdminService/GetStatement": lambda w: Sample(
        w.admin, ledger_admin.GetStatementRequest(account_id=w.new_account())
    ),
    "finance.v1.LedgerAdminService/GetEntry": lambda w: Sample(
        w.admin, ledger_admin.GetEntryRequest(entry_id=w.new_entry())
    ),
    "finance.v1.LedgerAdminService/ListEntries": lambda w: Sample(
        w.admin, ledger_admin.ListEntriesRequest(cause_id=str(uuid.uuid4()))
    ),
    "finance.v1.LedgerAdminService/ReverseEntry": lambda w: Sample(
        w.admin, ledger_admin.ReverseEntryRequest(entry_id=w.new_entry(), reason="twice"), _set(reason="other")
    ),
    "finance.v1.LedgerAdminService/ClosePeriod": _close_period,
}
_REST: dict[str, Callable[[World], Sample]] = {
    "ads.v1.AdService/CreateAd": lambda w: Sample(w.vendor.token, w.ad_request(), _set(bid_cents=101)),
    "ads.v1.AdService/ServeAd": lambda w: Sample(w.buyer.token, ads.ServeAdRequest(placement=1)),
    # The warehouse has tests of its own against the real emulator; here it is away, which is an answer too.
    "analytics.v1.AnalyticsService/GetVendorAnalytics": lambda w: Sample(
        w.vendor.token, analytics.GetVendorAnalyticsRequest(preset="7d")
    ),
    "analytics.v1.AnalyticsService/GetMarketplaceAnalytics": lambda w: Sample(
        w.buyer.token, analytics.GetMarketplaceAnalyticsRequest(preset="1y")
    ),
}
_ADMIN_LOGIN: dict[str, Callable[[World], Sample]] = {
    "identity.v1.AuthService/AdminLogin": lambda w: _admin_login(w),
}


def _admin_login(world: World) -> Sample:
    sample = _admin_register(world)
    world.do("/marketmesh.identity.v1.AuthService/AdminRegister", sample.request, "")
    email = sample.request.email  # type: ignore[attr-defined]
    return Sample("", auth.LoginRequest(email=email, password=PASSWORD))


SAMPLES = {
    f"/marketmesh.{name}": make
    for group in (_IDENTITY, _ADMIN_LOGIN, _MEDIA, _CATALOG, _COMMERCE, _DELIVERY, _MONEY, _CASH, _LEDGER, _REST)
    for name, make in group.items()
}
