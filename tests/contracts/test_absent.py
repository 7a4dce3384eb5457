"""Absent is not zero: no field of a write turns from left out into a value that means something.

Walks through the input of every RPC that writes. A scalar that JSON and gRPC cannot tell from zero is either refused when
it is zero, or stands below with what leaving it out does.
"""

from __future__ import annotations

from collections.abc import Iterator

import protovalidate
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from deploy.tools.contracts import grpc_services
from meshkit.grpc.policy import Effect, read_policy

NO_TEXT = "an empty text is no text"
CHECKED = "the service refuses it where it is needed"
ANSWERED = "no part of what is asked"

# Per message and field: why leaving it out is harmless, or who refuses it.
EXCEPTIONS = {
    "ads.v1.Creative": {"id": ANSWERED, "headline": NO_TEXT, "body": NO_TEXT},
    "catalog.v1.CountStockRequest": {"reason": NO_TEXT},
    "catalog.v1.CreateProductRequest": {
        "subtitle": NO_TEXT,
        "body_html": NO_TEXT,
        "strain": NO_TEXT,
        "classification": "documented default: none",
        "max_qty": "documented default: no limit",
        "compare_at_price_cents": "documented default: none",
        "thc_percent": "an empty text is no percentage, not 0",
        "cbd_percent": "an empty text is no percentage, not 0",
        "is_featured": "documented default: not featured",
        "batch_id": NO_TEXT,
        "metric_tag": NO_TEXT,
        "barcode": NO_TEXT,
        "packaging_type": NO_TEXT,
        "coa_media_id": "an empty text is no file",
    },
    "catalog.v1.Inventory": {
        "reserved_qty": ANSWERED,
        "low_stock_threshold": "documented default: low when nothing is left",
    },
    "catalog.v1.ReceiveStockRequest": {"reason": NO_TEXT},
    "commerce.v1.CancelOrderRequest": {"reason": NO_TEXT},
    "commerce.v1.CheckoutRequest": {"notes": NO_TEXT},
    "commerce.v1.DecideLineItemRequest": {"notes": NO_TEXT},
    "commerce.v1.ShippingLine": {"code": NO_TEXT, "title": NO_TEXT},
    "finance.v1.AccountName": {"owner_id": "OWNER_MISSING where an account has one"},
    "finance.v1.ApprovePayoutRequest": {"reference": NO_TEXT},
    "finance.v1.BatchEntry": {
        "effective_on": "documented default: today",
        "order_id": "none is no order",
        "reference": NO_TEXT,
    },
    "finance.v1.BatchPosting": {"amount_cents": "ZERO_AMOUNT, entry by entry"},
    "finance.v1.ConfirmPaidRequest": {"note": NO_TEXT},
    "finance.v1.ConfirmPayoutRequest": {"reference": NO_TEXT},
    "finance.v1.PostHoldRequest": {"reference": NO_TEXT},
    "finance.v1.RunPayoutsRequest": {
        "vendor_store_id": "refused unless all_vendors says so",
        "all_vendors": "documented default: only the vendor that is named",
        "reference": NO_TEXT,
    },
    "fulfillment.v1.ProofOfDelivery": {"media_id": CHECKED, "code": CHECKED},
    "identity.v1.AdminRegisterRequest": {"first_name": CHECKED, "first_names": CHECKED},
    "identity.v1.CreateAgentRequest": {"first_name": CHECKED, "first_names": CHECKED},
    "identity.v1.CreateLicenseRequest": {
        "issue_date": "an empty text is no date",
        "expiration_date": "an empty text is no date",
    },
    "identity.v1.RegisterRequest": {"phone": NO_TEXT, "dba_name": NO_TEXT},
    "identity.v1.VerifyLicenseRequest": {"reason": CHECKED},
    "type.v1.Address": {"line2": NO_TEXT},
}


def written() -> list[Descriptor]:
    """Return every message that is part of what a write is asked, those inside others too."""
    found: dict[str, Descriptor] = {}
    waiting = [
        method.input_type
        for service in grpc_services()
        for method in service.methods
        if read_policy(method).effect != Effect.EFFECT_READ
    ]
    while waiting:
        message = waiting.pop()
        if message.full_name in found or not message.full_name.startswith("marketmesh."):
            continue
        found[message.full_name] = message
        waiting += [field.message_type for field in message.fields if field.message_type is not None]
    return sorted(found.values(), key=lambda message: message.full_name)


def taken_when_left_out(message: Descriptor) -> Iterator[FieldDescriptor]:
    """Yield the scalars that nobody can tell from zero and that an empty message may leave out."""
    violations = protovalidate.collect_violations(GetMessageClass(message)())
    refused = {item.proto.field.elements[0].field_name for item in violations if item.proto.field}
    for field in message.fields:
        is_scalar = field.message_type is None and not field.is_repeated
        if is_scalar and not field.has_presence and field.name not in refused:
            yield field


def short(message: Descriptor) -> str:
    return message.full_name.removeprefix("marketmesh.")


@pytest.mark.parametrize("message", written(), ids=short)
def test_no_field_of_a_write_means_something_when_it_is_left_out(message: Descriptor) -> None:
    assert {field.name for field in taken_when_left_out(message)} == set(EXCEPTIONS.get(short(message), {}))


def test_every_exception_is_of_a_write() -> None:
    assert set(EXCEPTIONS) <= {short(message) for message in written()}
