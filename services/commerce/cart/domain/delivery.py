"""Where goods go and how they are paid for, as a buyer says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class Address(TypedDict):
    """A postal address as it is stored: the fields of the contract's Address."""

    line1: str
    line2: str
    city: str
    state: str
    postal_code: str
    country: str
    lat: float
    lng: float


class ShippingLine(TypedDict):
    """What carries the goods of a checkout, and for how much."""

    code: str
    title: str
    price_cents: int


class ShippingPlace(TypedDict):
    """Roughly where goods go, as events name it."""

    shipping_zip: str
    shipping_lat: float
    shipping_lng: float


@dataclass(frozen=True, slots=True)
class QuotedDelivery:
    """What a buyer says of the delivery with a quote; None is what it did not say."""

    shipping_address: Address | None
    billing_address: Address | None
    tip_cents: int | None

    def completed_by(self, earlier: QuotedDelivery) -> QuotedDelivery:
        """Return this, with what it leaves open as it was said earlier."""
        return QuotedDelivery(
            earlier.shipping_address if self.shipping_address is None else self.shipping_address,
            earlier.billing_address if self.billing_address is None else self.billing_address,
            earlier.tip_cents if self.tip_cents is None else self.tip_cents,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a cart that is bought is paid for and where its goods go; its orders read this from it."""

    payment_method: str
    shipping_address: Address
    billing_address: Address
    shipping_line: ShippingLine | None
    tip_cents: int
    # The buyer's words to every vendor.
    notes: str


def shipping_place(address: Address) -> ShippingPlace:
    """Return what analytics may know of an address (REQUIREMENTS A.9): five digits, and the place to three decimals."""
    return {
        "shipping_zip": address["postal_code"][:5],
        "shipping_lat": round(address["lat"], 3),
        "shipping_lng": round(address["lng"], 3),
    }
