"""Carts to messages: the same function serves what was just quoted and what is read again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, cast

from marketmesh.commerce.v1 import cart_pb2, cart_service_pb2
from marketmesh.type.v1 import address_pb2
from meshkit.messages import set_time
from meshkit.text import tidy
from services.commerce.cart.domain.delivery import Address, QuotedDelivery
from services.commerce.cart.domain.quote import Intent, PromoCode, merge_intents
from services.commerce.cart.usecases.save_quote import QuoteRequest, SavedQuote
from services.commerce.checkout.domain.attribution import keep_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.commerce.cart.data.carts import Cart, CartGroup, CartItem
    from services.commerce.cart.domain.quote import QuotedGroup, QuotedItem


def quote_request(request: cart_service_pb2.QuoteCartRequest) -> QuoteRequest:
    """Return what a request asks a price for; `ad_tokens` is an older name of `attribution_tokens`."""
    promos = [PromoCode(uuid.UUID(promo.vendor_store_id), tidy(promo.code)) for promo in request.vendor_promos]
    return QuoteRequest(
        buyer_store_id=uuid.UUID(request.buyer_store_id),
        intents=merge_intents(
            Intent(uuid.UUID(item.product_id), uuid.UUID(item.vendor_store_id), item.quantity, position)
            for position, item in enumerate(request.items)
        ),
        promos=list(dict.fromkeys(promo for promo in promos if promo.code)),
        tokens=keep_tokens([*request.attribution_tokens, *request.ad_tokens]),
        delivery=QuotedDelivery(
            shipping_address=_address(request, "shipping_address"),
            billing_address=_address(request, "billing_address"),
            tip_cents=request.tip_cents if request.HasField("tip_cents") else None,
        ),
    )


def saved_quote_message(saved: SavedQuote) -> cart_pb2.CartQuote:
    """Return a quote that was just stored."""
    items = zip(saved.item_ids, saved.quote.items, strict=True)
    return _cart(saved.cart, (_item(item_id, item) for item_id, item in items), saved.quote.groups)


def cart_message(cart: Cart, items: Iterable[CartItem], groups: Iterable[CartGroup]) -> cart_pb2.CartQuote:
    """Return a stored cart."""
    return _cart(cart, (_item(item.id, item) for item in items), groups)


def _cart(
    cart: Cart, items: Iterable[cart_pb2.CartItem], groups: Iterable[CartGroup | QuotedGroup]
) -> cart_pb2.CartQuote:
    message = cart_pb2.CartQuote(
        id=str(cart.id),
        buyer_store_id=str(cart.buyer_store_id),
        checkout_group_id=str(cart.checkout_group_id or ""),
        status=cart.status,
        currency=cart.currency,
        subtotal_cents=cart.subtotal_cents,
        discounts_cents=cart.discounts_cents,
        total_cents=cart.total_cents,
        attribution_tokens=cart.attribution_tokens,
        vendor_groups=[_group(group) for group in groups],
        items=items,
        quote_version=cart.quote_version or "",
        promo_warnings=[cart_pb2.PromoWarning(**warning) for warning in cart.promo_warnings],
        shipping_address=_address_message(cart.shipping_address),
        billing_address=_address_message(cart.billing_address),
        tip_cents=cart.tip_cents,
    )
    set_time(message.valid_until, cart.valid_until)
    set_time(message.created_at, cart.created_at)
    return message


def _address(request: cart_service_pb2.QuoteCartRequest, field: str) -> Address | None:
    return address_document(getattr(request, field)) if request.HasField(field) else None


def _address_message(stored: Address | None) -> address_pb2.Address | None:
    return address_pb2.Address(**stored) if stored else None


def _item(item_id: uuid.UUID, item: CartItem | QuotedItem) -> cart_pb2.CartItem:
    message = cart_pb2.CartItem(
        id=str(item_id),
        product_id=str(item.product_id),
        vendor_store_id=str(item.vendor_store_id),
        vendor_store_name=item.vendor_store_name,
        unit=item.unit,
        quantity=item.quantity,
        moq=item.moq,
        max_qty=item.max_qty,
        title=item.title,
        unit_price_cents=item.unit_price_cents,
        effective_unit_price_cents=item.effective_unit_price_cents,
        line_subtotal_cents=item.line_subtotal_cents,
        line_discounts_cents=item.line_discounts_cents,
        line_total_cents=item.line_total_cents,
        status=item.status,
        warnings=item.warnings,
        thumbnail_media_id=str(item.thumbnail_media_id or ""),
    )
    if item.applied_min_qty is not None and item.applied_percent is not None:
        message.applied_volume_discount.min_qty = item.applied_min_qty
        message.applied_volume_discount.discount_percent = item.applied_percent
    return message


def _group(group: CartGroup | QuotedGroup) -> cart_pb2.CartVendorGroup:
    return cart_pb2.CartVendorGroup(
        vendor_store_id=str(group.vendor_store_id),
        vendor_store_name=group.vendor_store_name,
        status=group.status,
        warnings=group.warnings,
        subtotal_cents=group.subtotal_cents,
        promo=group.promo,
        line_discounts_cents=group.line_discounts_cents,
        promo_discount_cents=group.promo_discount_cents,
        discounts_cents=group.discounts_cents,
        total_cents=group.total_cents,
    )


def address_document(message: address_pb2.Address) -> Address:
    """Return an address as it is stored."""
    return cast("Address", {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields})
