"""A small market in the harness: everybody and everything that the standard set of calls needs, made on demand."""

from __future__ import annotations

import importlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from sqlalchemy import text

from deploy.tools.contracts import grpc_services
from marketmesh.ads.v1 import ad_service_pb2 as ads
from marketmesh.catalog.v1 import product_pb2, product_service_pb2
from marketmesh.commerce.v1 import cart_pb2, cart_service_pb2, order_service_pb2
from marketmesh.finance.v1 import (
    cash_admin_service_pb2,
    cash_agent_service_pb2,
    ledger_pb2,
    ledger_service_pb2,
    payout_batch_service_pb2,
    payout_service_pb2,
    reconciliation_service_pb2,
)
from marketmesh.fulfillment.v1 import admin_service_pb2 as fulfillment_admin
from marketmesh.fulfillment.v1 import delivery_service_pb2
from marketmesh.identity.v1 import admin_service_pb2, auth_service_pb2, license_service_pb2
from marketmesh.media.v1 import media_service_pb2
from meshkit.principal import Principal
from services.commerce.orders.domain.lifetime import Lifetime
from services.commerce.orders.usecases.end_lifetimes import end_lifetimes
from services.finance.ledger.domain.subject import order
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.payouts.usecases.confirm_payout import confirm_payout
from tests.support.identity import PASSWORD, address, register_request
from tests.support.mesh_harness import MeshHarness, Refused

SERVICES = ("identity", "media", "catalog", "commerce", "finance", "fulfillment", "ads", "analytics")


@dataclass
class Shop:
    """A store and the token of its owner."""

    store_id: str
    user_id: str
    email: str
    type: str
    token: str = ""


class World:
    """Makes people, stores, files, products, carts, orders and deliveries through the services' own methods."""

    def __init__(self, mesh: MeshHarness) -> None:
        self.mesh = mesh
        mesh.start(*SERVICES)
        self.admin = mesh.admin_token()
        self.vendor, self.other_vendor = self.shop("vendor"), self.shop("vendor")
        self.buyer, self.other_buyer = self.shop("buyer"), self.shop("buyer")
        self.agent_id, self.agent = self.new_agent()
        self.other_agent_id, self.other_agent = self.new_agent()

    def method(self, path: str) -> Any:
        """Return the client method of a gRPC path."""
        service, _, name = path.strip("/").rpartition("/")
        descriptor = self._descriptors[service]
        module = importlib.import_module(descriptor.file.name.replace("/", ".").removesuffix(".proto") + "_pb2_grpc")
        owner = descriptor.file.package.split(".")[1]
        return getattr(self.mesh.stub(getattr(module, f"{descriptor.name}Stub"), owner), name)

    @cached_property
    def _descriptors(self) -> dict[str, ServiceDescriptor]:
        return {service.full_name: service for service in grpc_services()}

    def do(self, path: str, request: Message, token: str) -> Any:
        """Call with a fresh key and let the events travel."""
        answer = self.mesh.write(self.method(path), request, token=token)
        self.mesh.pump()
        return answer

    def shop(self, store_type: str) -> Shop:
        """Register a store, verify its licence and subscribe it."""
        request = register_request(store_type=store_type)
        session = self.do("/marketmesh.identity.v1.AuthService/Register", request, "")
        shop = Shop(session.active_store_id, session.user.id, request.email, store_type)
        shop.token = self.mesh.store_token(shop.store_id, store_type=store_type, user_id=uuid.UUID(shop.user_id))
        licence = self.new_license(shop)
        verify = admin_service_pb2.VerifyLicenseRequest(license_id=licence.id, decision=1)
        self.do("/marketmesh.identity.v1.IdentityAdminService/VerifyLicense", verify, self.admin)
        subscribe = admin_service_pb2.SetSubscriptionActiveRequest(store_id=shop.store_id, active=True, reason="test")
        self.do("/marketmesh.identity.v1.IdentityAdminService/SetSubscriptionActive", subscribe, self.admin)
        return shop

    def new_agent(self) -> tuple[str, str]:
        """Create a delivery agent; returns id and token."""
        request = admin_service_pb2.CreateAgentRequest(
            first_name="D", last_name="D", email=f"{uuid.uuid4().hex}@example.com", password=PASSWORD
        )
        user = self.do("/marketmesh.identity.v1.IdentityAdminService/CreateAgent", request, self.admin)
        return user.id, self.mesh.agent_token(uuid.UUID(user.id))

    def new_media(self, shop: Shop, *, kind: str = "license_doc") -> str:
        """Presign a file and mark it uploaded, as the store's notice would; returns its id."""
        request = media_service_pb2.PresignUploadRequest(
            media_kind=media_service_pb2.MediaKind.Value.Value(kind),
            mime_type="application/pdf" if kind == "license_doc" else "image/png",
            file_name="x",
            size_bytes=10,
        )
        signed = self.do("/marketmesh.media.v1.MediaService/PresignUpload", request, shop.token)
        with self.mesh.transaction("media") as tx:
            tx.execute(
                text("UPDATE media SET status = 'uploaded', uploaded_at = :now WHERE id = CAST(:id AS uuid)"),
                {"id": signed.media_id, "now": tx.now},
            )
        return str(signed.media_id)

    def new_license(self, shop: Shop) -> Any:
        """File a licence; it is pending."""
        request = license_service_pb2.CreateLicenseRequest(
            media_id=self.new_media(shop), issuing_state="OK", type=1, number=uuid.uuid4().hex
        )
        return self.do("/marketmesh.identity.v1.LicenseService/CreateLicense", request, shop.token)

    def product_request(self, **extra: Any) -> product_service_pb2.CreateProductRequest:
        """Return a product nobody has."""
        return product_service_pb2.CreateProductRequest(
            sku=uuid.uuid4().hex,
            title="Product",
            category=1,
            unit=2,
            feelings=[1],
            flavors=[1],
            usage=[1],
            moq=1,
            price_cents=1000,
            inventory=product_pb2.Inventory(available_qty=100),
            **extra,
        )

    def new_product(self, shop: Shop) -> Any:
        """Create a product."""
        return self.do(
            "/marketmesh.catalog.v1.ProductService/CreateProduct", self.product_request(), shop.token
        ).summary

    def new_promo(self, shop: Shop) -> str:
        """Create a promo code; returns its id."""
        request = product_service_pb2.CreatePromoRequest(code=f"P{uuid.uuid4().hex[:10].upper()}", amount_cents=5)
        return str(self.do("/marketmesh.catalog.v1.ProductService/CreatePromo", request, shop.token).id)

    def new_cart(self, shop: Shop) -> Any:
        """Quote a cart of two products of the vendor."""
        products = [self.new_product(self.vendor), self.new_product(self.vendor)]
        return self.do("/marketmesh.commerce.v1.CartService/QuoteCart", self.quote_request(shop, products), shop.token)

    def quote_request(self, shop: Shop, products: list[Any]) -> cart_service_pb2.QuoteCartRequest:
        """Return an intent to buy two of each."""
        return cart_service_pb2.QuoteCartRequest(
            buyer_store_id=shop.store_id,
            items=[
                cart_service_pb2.CartIntentItem(
                    product_id=product.id, vendor_store_id=product.vendor_store_id, quantity=2
                )
                for product in products
            ],
        )

    def checkout_request(self, cart: cart_pb2.CartQuote) -> cart_service_pb2.CheckoutRequest:
        """Return a cash checkout of a quote."""
        return cart_service_pb2.CheckoutRequest(
            cart_id=cart.id, quote_version=cart.quote_version, shipping_address=address(), payment_method=1
        )

    def new_order(self, *, accepted: bool = False, packed: bool = False) -> Any:
        """Check a cart out; returns the order."""
        request = self.checkout_request(self.new_cart(self.buyer))
        answer = self.do("/marketmesh.commerce.v1.CartService/Checkout", request, self.buyer.token)
        order = answer.vendor_orders[0]
        if accepted or packed:
            decide = order_service_pb2.DecideOrderRequest(order_id=order.order_id, decision=1)
            order = self.do("/marketmesh.commerce.v1.OrderService/DecideOrder", decide, self.vendor.token)
        if packed:
            fulfil = order_service_pb2.FulfillOrderRequest(order_id=order.order_id)
            order = self.do("/marketmesh.commerce.v1.OrderService/FulfillOrder", fulfil, self.vendor.token)
        return order

    def new_expired_order(self) -> Any:
        """Check a cart out whose vendor never decides; returns the order as it was."""
        order = self.new_order()
        with self.mesh.transaction("commerce") as tx:
            tx.execute(
                text("UPDATE vendor_orders SET created_at = :then WHERE id = CAST(:id AS uuid)"),
                {"id": order.order_id, "then": tx.now - timedelta(days=10)},
            )
        with self.mesh.transaction("commerce") as tx:
            end_lifetimes(tx, usual=Lifetime(5, 10))
        self.mesh.pump()
        return order

    def new_delivery(self, *, upto: str = "assigned") -> Any:
        """Bring an order to the world's own agent: `assigned`, `picked_up`, `delivered`, `settled`; returns the order."""
        order = self.new_order(packed=True)
        assign = fulfillment_admin.AssignAgentRequest(
            order_id=order.order_id, agent_user_id=self.agent_id, reason="knows the way"
        )
        self.do("/marketmesh.fulfillment.v1.FulfillmentAdminService/AssignAgent", assign, self.admin)
        path = "/marketmesh.fulfillment.v1.AgentService/"
        steps: list[tuple[str, str, Message]] = [
            ("picked_up", "PickUp", delivery_service_pb2.PickUpRequest(order_id=order.order_id)),
            ("delivered", "Deliver", delivery_service_pb2.DeliverRequest(order_id=order.order_id)),
            ("settled", "CollectCash", self.cash_request(order)),
        ]
        for state, method, request in steps:
            if upto == "assigned":
                break
            self.do(path + method, request, self.agent)
            if state == upto:
                break
        return order

    def cash_request(self, order: Any, *, missing_cents: int = 0) -> delivery_service_pb2.CollectCashRequest:
        """Return what the agent counted."""
        return delivery_service_pb2.CollectCashRequest(
            order_id=order.order_id, amount_cents=order.total_cents - missing_cents, currency="USD"
        )

    def new_failed_payment(self) -> Any:
        """Deliver an order and report wrong cash; returns the order."""
        order = self.new_delivery(upto="delivered")
        try:
            self.do(
                "/marketmesh.fulfillment.v1.AgentService/CollectCash",
                self.cash_request(order, missing_cents=1),
                self.agent,
            )
        except Refused:
            self.mesh.pump()
        return order

    def ledger_entry(self, vendor_id: str) -> ledger_service_pb2.BatchEntry:
        """Return an entry by which we come to owe a vendor five dollars."""
        clearing = ledger_pb2.AccountName(kind=2, currency="USD")
        payable = ledger_pb2.AccountName(kind=3, owner_id=vendor_id, currency="USD")
        return ledger_service_pb2.BatchEntry(
            key=uuid.uuid4().hex,
            type="adjustment",
            cause_type="manual",
            cause_id=str(uuid.uuid4()),
            postings=[
                ledger_service_pb2.BatchPosting(account=clearing, amount_cents=500),
                ledger_service_pb2.BatchPosting(account=payable, amount_cents=-500),
            ],
        )

    def new_entry(self, vendor_id: str = "") -> str:
        """Post an adjustment; returns the entry's id."""
        request = ledger_service_pb2.PostBatchRequest(entries=[self.ledger_entry(vendor_id or str(uuid.uuid4()))])
        answer = self.do("/marketmesh.finance.v1.LedgerService/PostBatch", request, self.mesh.service_token("operator"))
        return str(answer.results[0].entry_id)

    def new_account(self) -> str:
        """Return the id of an account with a posting."""
        sql = "SELECT account_id FROM postings WHERE entry_id = CAST(:id AS uuid) LIMIT 1"
        return str(self.mesh.rows("finance", sql, id=self.new_entry())[0].account_id)

    def hold_request(self) -> ledger_service_pb2.PlaceHoldRequest:
        """Return a hold of what we owe a vendor."""
        vendor = str(uuid.uuid4())
        self.new_entry(vendor)
        account = ledger_pb2.AccountName(kind=3, owner_id=vendor, currency="USD")
        return ledger_service_pb2.PlaceHoldRequest(
            key=uuid.uuid4().hex, account=account, amount_cents=5, expires_in_s=60, reason="test"
        )

    def new_hold(self) -> str:
        """Place a hold; returns its id."""
        path = "/marketmesh.finance.v1.LedgerService/PlaceHold"
        return str(self.do(path, self.hold_request(), self.mesh.service_token("operator")).hold_id)

    def new_station(self) -> str:
        """Open a cash station; returns its id."""
        request = cash_admin_service_pb2.CreateStationRequest(name=uuid.uuid4().hex)
        return str(self.do("/marketmesh.finance.v1.CashAdminService/CreateStation", request, self.admin).station_id)

    def hand_in_request(self) -> cash_agent_service_pb2.DeclareHandInRequest:
        """Return the agent's hand-in of a new order's cash."""
        order = self.new_delivery(upto="settled")
        item = cash_agent_service_pb2.DeclaredCash(order_id=order.order_id, declared_cents=order.total_cents)
        return cash_agent_service_pb2.DeclareHandInRequest(station_id=self.new_station(), currency="USD", items=[item])

    def new_hand_in(self) -> Any:
        """Declare a hand-in."""
        path = "/marketmesh.finance.v1.CashAgentService/DeclareHandIn"
        return self.do(path, self.hand_in_request(), self.agent)

    def count_request(self, *, missing_cents: int = 0) -> cash_admin_service_pb2.CountHandInRequest:
        """Return the count of a new hand-in."""
        hand_in = self.new_hand_in()
        (item,) = hand_in.items
        count = cash_admin_service_pb2.CountedCash(
            order_id=item.order_id, counted_cents=item.declared_cents - missing_cents
        )
        return cash_admin_service_pb2.CountHandInRequest(hand_in_id=hand_in.hand_in_id, currency="USD", counts=[count])

    def new_mismatch(self) -> str:
        """Count one cent too little; returns the mismatch's id."""
        path = "/marketmesh.finance.v1.CashAdminService/CountHandIn"
        return str(self.do(path, self.count_request(missing_cents=1), self.admin).items[0].mismatch_id)

    def new_paid_order(self) -> str:
        """Pay an order's vendor; returns the order's id."""
        order = self.new_delivery(upto="settled")
        request = payout_service_pb2.ConfirmPayoutRequest(order_id=order.order_id)
        self.do("/marketmesh.finance.v1.FinanceAdminService/ConfirmPayout", request, self.admin)
        return str(order.order_id)

    def new_payout(self, *, waits: bool = False) -> str:
        """Pay an order's vendor; returns the payout's id. One that waits is made so by hand: it is no large order."""
        order_id = self.new_paid_order() if not waits else self.new_delivery(upto="settled").order_id
        if waits:
            with self.mesh.transaction("finance", Principal(user_id=uuid.uuid4())) as tx:
                confirm_payout(tx, order(uuid.UUID(order_id)), reference="", terms=PayoutTerms(0, 0))
        sql = "SELECT payout_id FROM payment_intents WHERE subject_id = CAST(:id AS uuid)"
        return str(self.mesh.rows("finance", sql, id=order_id)[0].payout_id)

    def new_held_payout(self) -> str:
        """Keep an order out of payouts; returns the order's id."""
        order = self.new_delivery(upto="settled")
        request = payout_batch_service_pb2.HoldPayoutRequest(order_id=order.order_id, reason="fraud?")
        self.do("/marketmesh.finance.v1.PayoutAdminService/HoldPayout", request, self.admin)
        return str(order.order_id)

    def bank_file(self) -> reconciliation_service_pb2.ReconcileFileRequest:
        """Return a file of one transfer that nobody knows."""
        content = f"amount,currency,reference,date\n5,USD,{uuid.uuid4()},1999-01-01\n"
        return reconciliation_service_pb2.ReconcileFileRequest(
            file_name="bank.csv", content=content, date_from="1999-01-01", date_to="1999-01-02"
        )

    def new_reconciliation(self) -> str:
        """Compare such a file; returns the report's id."""
        path = "/marketmesh.finance.v1.ReconciliationService/ReconcileFile"
        return str(self.do(path, self.bank_file(), self.admin).report_id)

    def new_notification(self) -> str:
        """Return the id of an unread notification of the vendor."""
        self.new_order()
        rows = self.mesh.rows(
            "identity",
            "SELECT id FROM notifications WHERE store_id = CAST(:store AS uuid) AND read_at IS NULL LIMIT 1",
            store=self.vendor.store_id,
        )
        return str(rows[0].id)

    def ad_request(self) -> ads.CreateAdRequest:
        """Return a campaign for the vendor's own store."""
        return ads.CreateAdRequest(
            status=2,
            placement=1,
            target_type=1,
            target_id=self.vendor.store_id,
            bid_cents=100,
            daily_budget_cents=0,
            creatives=[ads.Creative(destination_url="https://example.com")],
        )

    def login(self, shop: Shop) -> tuple[str, str]:
        """Sign in for real; returns access and refresh token."""
        _, headers = self.mesh.call(
            self.method("/marketmesh.identity.v1.AuthService/Login"),
            auth_service_pb2.LoginRequest(email=shop.email, password=PASSWORD),
        )
        return headers["x-access-token"], headers["x-refresh-token"]
