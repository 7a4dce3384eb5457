"""The life of a hold, over all pairs."""

from __future__ import annotations

import pytest

from services.finance.ledger.domain.hold import HoldAction, HoldStatus, next_status

ENDS = {HoldAction.POST: HoldStatus.POSTED, HoldAction.VOID: HoldStatus.VOIDED, HoldAction.EXPIRE: HoldStatus.EXPIRED}


@pytest.mark.parametrize("action", list(HoldAction))
@pytest.mark.parametrize("status", list(HoldStatus))
def test_ends_once_and_only_while_pending(status: HoldStatus, action: HoldAction) -> None:
    expected = ENDS[action] if status is HoldStatus.PENDING else None

    assert next_status(status, action) == expected
