"""Who sees whose products: every combination."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from marketmesh.catalog.v1 import product_pb2
from services.catalog.products.domain.product import Category, Classification, Feeling, Flavor, Unit, Usage
from services.catalog.store_gates.domain.visibility import Gate, can_see

if TYPE_CHECKING:
    from enum import StrEnum

BUYER = Gate(type="buyer", state="OK", kyc_status="verified", subscription_active=False)


class TestCanSee:
    @pytest.mark.parametrize(
        ("kind", "kyc", "subscribed", "state"),
        list(itertools.product(("vendor", "buyer"), ("verified", "expired"), (True, False), ("OK", "TX"))),
    )
    def test_needs_all_four_conditions(self, kind: str, kyc: str, state: str, *, subscribed: bool) -> None:
        vendor = Gate(type=kind, state=state, kyc_status=kyc, subscription_active=subscribed)

        assert can_see(buyer=BUYER, vendor=vendor, unverified=False) == (
            (kind, kyc, subscribed, state) == ("vendor", "verified", True, "OK")
        )

    @pytest.mark.parametrize("kyc", ["pending_verification", "rejected", "expired", "suspended"])
    def test_asks_the_market_about_unverified_buyers(self, kyc: str) -> None:
        vendor = Gate(type="vendor", state="OK", kyc_status="verified", subscription_active=True)
        buyer = Gate(type="buyer", state="OK", kyc_status=kyc, subscription_active=False)

        assert can_see(buyer=buyer, vendor=vendor, unverified=True)
        assert not can_see(buyer=buyer, vendor=vendor, unverified=False)
        assert not can_see(buyer=None, vendor=vendor, unverified=True)
        assert not can_see(buyer=BUYER, vendor=None, unverified=True)


class TestWords:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (Category, product_pb2.Category),
            (Classification, product_pb2.Classification),
            (Unit, product_pb2.Unit),
            (Flavor, product_pb2.Flavor),
            (Feeling, product_pb2.Feeling),
            (Usage, product_pb2.Usage),
        ],
    )
    def test_are_those_of_the_contract(self, words: type[StrEnum], message: type[product_pb2.Category]) -> None:
        assert ["unspecified", *words] == list(message.Value.keys())
