"""The filters of a list of orders, read from its request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import order_pb2
from meshkit.errors import ValidationError
from services.commerce.orders.domain.order_filter import OrderFilter
from services.commerce.orders.domain.order_state import ACTIONABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.timestamp_pb2 import Timestamp

    from marketmesh.commerce.v1.order_service_pb2 import ListOrdersRequest


def order_filter(request: ListOrdersRequest, *, is_vendor: bool) -> OrderFilter:
    """Return what a request asks for. Raises ValidationError, which names the field that cannot be used."""
    waiting = _words("actionable_statuses", order_pb2.OrderStatus.Value.items(), request.actionable_statuses)
    if waiting and not is_vendor:
        raise ValidationError.of("actionable_statuses", "is for vendors")
    for index, status in enumerate(waiting):
        if status not in ACTIONABLE:
            raise ValidationError.of(f"actionable_statuses[{index}]", f"must be one of {', '.join(ACTIONABLE)}")
    created_from = _instant("date_from", request.date_from) if request.HasField("date_from") else None
    created_to = _instant("date_to", request.date_to) if request.HasField("date_to") else None
    if created_from and created_to and created_to <= created_from:
        raise ValidationError.of("date_to", "must be later than date_from")
    return OrderFilter(
        statuses=_words("order_status", order_pb2.OrderStatus.Value.items(), request.order_status),
        fulfillment=_words("fulfillment_status", order_pb2.FulfillmentStatus.Value.items(), request.fulfillment_status),
        shipping=_words("shipping_status", order_pb2.ShippingStatus.Value.items(), request.shipping_status),
        payment=_words("payment_status", order_pb2.PaymentStatus.Value.items(), request.payment_status),
        actionable=is_vendor and (request.actionable or bool(waiting)),
        actionable_statuses=waiting,
        created_from=created_from,
        created_to=created_to,
        text=search_text(request.q),
    )


def search_text(value: str) -> str:
    """Return what is searched for. Raises ValidationError for a NUL, which Postgres cannot compare."""
    if "\0" in value:
        raise ValidationError.of("q", "has a character that no name has")
    return value.strip()


def _words(field: str, values: Iterable[tuple[str, int]], numbers: Iterable[int]) -> list[str]:
    known = {number: name for name, number in values if number}
    words = []
    for index, number in enumerate(numbers):
        if number not in known:
            raise ValidationError.of(f"{field}[{index}]", "is not one of its words")
        words.append(known[number])
    return words


def _instant(field: str, value: Timestamp) -> datetime:
    try:
        instant: datetime = value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValidationError.of(field, "is not an instant between the years 1 and 9999") from None
    return instant
