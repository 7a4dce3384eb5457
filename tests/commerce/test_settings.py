"""What commerce is told from outside, and what it refuses to start with."""

from __future__ import annotations

import pytest

from meshkit.settings import SettingsInvalid
from services.commerce.checkout.flows.checkout import CHECKOUT_FLOWS, checkout
from services.commerce.orders.domain.lifetime import Lifetime
from services.commerce.settings import CommerceSettings


class TestCheckoutFlow:
    def test_is_the_single_flow_unless_told_otherwise(self) -> None:
        assert CHECKOUT_FLOWS[CommerceSettings.model_fields["checkout_flow"].default] is checkout

    def test_an_unknown_one_stops_the_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMERCE_CHECKOUT_FLOW", "two_phase")

        with pytest.raises(SettingsInvalid, match="COMMERCE_CHECKOUT_FLOW"):
            CommerceSettings()


class TestLifetime:
    @pytest.mark.parametrize(("nudge", "expiry"), [(10, 10), (11, 10), (0, 5)])
    def test_that_makes_no_sense_stops_the_start(self, nudge: int, expiry: int) -> None:
        with pytest.raises(ValueError, match="before the order expires"):
            Lifetime(nudge, expiry)
