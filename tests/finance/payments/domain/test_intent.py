"""Every status with every action."""

from __future__ import annotations

import pytest

from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status

# One line per status; what is not named is refused.
_EXPECTED = {
    "unpaid": {"collect": "settled", "fail": "failed", "reject": "rejected", "settle_nothing": "paid"},
    "pending": {"fail": "failed", "reject": "rejected", "settle_nothing": "paid"},
    "settled": {"pay_out": "paid"},
    "paid": {"take_back": "settled"},
    "failed": {"reopen": "unpaid", "reject": "rejected", "settle_nothing": "paid"},
    "rejected": {},
}


class TestNextStatus:
    @pytest.mark.parametrize("action", list(IntentAction))
    @pytest.mark.parametrize("status", list(IntentStatus))
    def test_allows_exactly_the_written_transitions(self, status: IntentStatus, action: IntentAction) -> None:
        assert next_status(status, action) == _EXPECTED[status.value].get(action.value)
