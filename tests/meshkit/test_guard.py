"""Validation: the field is always named."""

from __future__ import annotations

import pytest

from marketmesh.commerce.v1 import cart_service_pb2
from meshkit.errors import ValidationError
from meshkit.grpc.guard import Guard
from tests.support.identity import address, register_request

GUARD = Guard(None, None, None)  # type: ignore[arg-type]


def fields_of(request: object) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        GUARD.validate(request)  # type: ignore[arg-type]
    return [violation.field for violation in refused.value.violations]


class TestValidate:
    def test_passes_a_valid_request(self) -> None:
        GUARD.validate(register_request())

    def test_names_nested_and_repeated_fields_as_json_readers_write_them(self) -> None:
        request = cart_service_pb2.QuoteCartRequest(
            buyer_store_id="x", items=[cart_service_pb2.CartIntentItem(quantity=-1)]
        )

        assert fields_of(request) == [
            "buyer_store_id",
            "items[0].product_id",
            "items[0].vendor_store_id",
            "items[0].quantity",
        ]

    def test_refuses_a_nul_character_wherever_it_stands(self) -> None:
        request = register_request()
        request.address.CopyFrom(address())
        request.address.line1 = "a\x00b"

        assert fields_of(request) == ["address.line1"]

    def test_finds_a_nul_in_a_list(self) -> None:
        request = cart_service_pb2.QuoteCartRequest(attribution_tokens=["fine", "\x00"])

        assert fields_of(request) == ["attribution_tokens[1]"]
