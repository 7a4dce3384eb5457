"""Validation: the field is always named."""

from __future__ import annotations

import uuid

import pytest

from marketmesh.commerce.v1 import cart_service_pb2, order_service_pb2
from meshkit.errors import ValidationError
from meshkit.grpc.guard import Guard
from meshkit.grpc.policy import Caller
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

        assert fields_of(request) == ["attribution_tokens[1]", "buyer_store_id", "items"]

    @pytest.mark.parametrize(
        "text",
        [
            "\x01",
            "a\x1b[31m",
            "a\x7f",
            "a\x85b",
            "   ",
            "\r\n",
            "\u2003",
            "\u200b\u2060",
            "\u3164",
            "a\u202eb",
            "\u2066a",
        ],
        ids=ascii,
    )
    def test_refuses_control_characters_and_blanks_where_something_must_be_said(self, text: str) -> None:
        request = register_request()
        request.first_name = text

        assert fields_of(request) == ["first_name"]

    @pytest.mark.parametrize("text", ["Ana\tMaría", "Ana\r\nMaría", "Ana\u2028María"], ids=ascii)
    def test_takes_several_lines_for_sentences_and_one_for_a_name(self, text: str) -> None:
        request = register_request()
        request.first_name = text

        GUARD.validate(order_service_pb2.CancelOrderRequest(order_id=str(uuid.uuid4()), reason=text))
        assert fields_of(request) == ["first_name"]

    def test_takes_blanks_where_nothing_need_be_said(self) -> None:
        request = register_request()
        request.address.CopyFrom(address())
        request.address.line2 = " "

        GUARD.validate(request)

    def test_tidies_texts_before_it_looks_at_them(self) -> None:
        request = register_request()
        request.address.CopyFrom(address())
        request.first_name, request.address.city = "\u00a0Mari\u0301a ", "\ufeffTulsa\n"
        request.password = " pass word\u00a0with\u0301 "

        GUARD.validate(request)

        assert (request.first_name, request.address.city) == ("María", "Tulsa")
        assert request.password == " pass word\u00a0with\u0301 "

    def test_tidies_lists_and_lists_of_messages(self) -> None:
        request = cart_service_pb2.QuoteCartRequest(
            ad_tokens=["a ", "b"], vendor_promos=[cart_service_pb2.VendorPromo(code=" TEN")]
        )

        fields_of(request)

        assert (list(request.ad_tokens), request.vendor_promos[0].code) == (["a", "b"], "TEN")

    def test_names_a_field_once(self) -> None:
        request = register_request()
        request.first_name = "\x01" * 1000

        assert fields_of(request) == ["first_name"]

    def test_of_services_looks_for_nul_only(self) -> None:
        request = register_request()
        request.first_name = "\x01"
        GUARD.validate(request, caller=Caller.CALLER_SERVICE)
        request.first_name = "\x00"

        with pytest.raises(ValidationError):
            GUARD.validate(request, caller=Caller.CALLER_SERVICE)
