"""Proof policies and delivery codes."""

from __future__ import annotations

import uuid

import pytest

from services.fulfillment.delivery.domain.proof import ProofKind, ProofPolicy, delivery_code, is_code
from services.fulfillment.settings import FulfillmentSettings

KEY = b"k" * 32


class TestProofPolicy:
    @pytest.mark.parametrize(
        ("policy", "met_by"),
        [
            ("none", {None, "photo", "signature", "code"}),
            ("any", {"photo", "signature", "code"}),
            ("photo", {"photo"}),
            ("signature", {"signature"}),
            ("code", {"code"}),
        ],
    )
    def test_is_met_by_what_it_names(self, policy: str, met_by: set[str | None]) -> None:
        kinds: list[ProofKind | None] = [None, *ProofKind]

        assert {kind.value if kind else None for kind in kinds if ProofPolicy(policy).is_met_by(kind)} == met_by


class TestDeliveryCode:
    def test_is_six_digits_and_always_the_same(self) -> None:
        for order_id in (uuid.uuid4() for _ in range(200)):
            code = delivery_code(KEY, order_id=order_id, issue=1)

            assert len(code) == 6
            assert code.isdigit()
            assert code == delivery_code(KEY, order_id=order_id, issue=1)

    def test_differs_by_order_issue_and_key(self) -> None:
        one, other = uuid.UUID(int=1), uuid.UUID(int=2)

        codes = {
            delivery_code(KEY, order_id=one, issue=1),
            delivery_code(KEY, order_id=other, issue=1),
            delivery_code(KEY, order_id=one, issue=2),
            delivery_code(b"other", order_id=one, issue=1),
        }

        assert len(codes) == 4


class TestIsCode:
    def test_knows_the_code_only(self) -> None:
        assert is_code("012345", "012345")
        assert not is_code("012346", "012345")
        assert not is_code("", "012345")


class TestSettings:
    def test_demand_a_proof_unless_told_otherwise(self) -> None:
        assert FulfillmentSettings.model_fields["proof_of_delivery"].default is ProofPolicy.ANY
