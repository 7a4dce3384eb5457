"""Commerce's refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.commerce.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class QuoteExpired(MeshError, enum=_REASONS, reason="QUOTE_EXPIRED"):
    """The quote is no longer valid."""


class CartNotActive(MeshError, enum=_REASONS, reason="CART_NOT_ACTIVE"):
    """A newer quote took the cart's place."""


class CartEmpty(MeshError, enum=_REASONS, reason="CART_EMPTY"):
    """No line of the quote can be bought."""


class BuyerNotVerified(MeshError, enum=_REASONS, reason="BUYER_NOT_VERIFIED"):
    """The buyer's licence is not verified, or not known to be."""


class ForeignBuyerStore(MeshError, enum=_REASONS, reason="FOREIGN_BUYER_STORE"):
    """The caller asks for a cart of another store."""


class BuyerIsVendor(MeshError, enum=_REASONS, reason="BUYER_IS_VENDOR"):
    """A store tries to buy from itself."""


class OrderStateInvalid(MeshError, enum=_REASONS, reason="ORDER_STATE_INVALID"):
    """The order's state does not allow the action."""


class LineStateInvalid(MeshError, enum=_REASONS, reason="LINE_STATE_INVALID"):
    """The line's state does not allow the decision."""


class CheckoutRunning(MeshError, enum=_REASONS, reason="CHECKOUT_RUNNING"):
    """Another checkout of the cart is under way."""


class PaymentMethodUnavailable(MeshError, enum=_REASONS, reason="PAYMENT_METHOD_UNAVAILABLE"):
    """The payment method is not switched on."""


class NudgedAlready(MeshError, enum=_REASONS, reason="NUDGED_ALREADY"):
    """The vendor was reminded of the order less than a day ago."""


class RetryRefused(MeshError, enum=_REASONS, reason="RETRY_REFUSED"):
    """Not everything of the expired order can be had now; `violations` say what."""


class RetryRunning(MeshError, enum=_REASONS, reason="RETRY_RUNNING"):
    """Another retry of the order is under way."""


class MoqViolated(MeshError, enum=_REASONS, reason="MOQ_VIOLATED"):
    """Lines of the cart are below their products' least quantity; `violations` name product, quantity and least."""


class QuoteChanged(MeshError, enum=_REASONS, reason="QUOTE_CHANGED"):
    """The cart does not hold what the buyer saw: another quote was made meanwhile."""


class VendorUnavailable(MeshError, enum=_REASONS, reason="VENDOR_UNAVAILABLE"):
    """A vendor of the cart may not sell to this buyer now; `violations` name them."""


class RetryPriceChanged(MeshError, enum=_REASONS, reason="RETRY_PRICE_CHANGED"):
    """The expired order would cost more today than the buyer accepts."""
