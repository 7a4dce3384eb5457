"""The pictures in the README are the state machines in the code."""

from __future__ import annotations

import re
from pathlib import Path

import services.finance
from services.finance.cash.domain import cash
from services.finance.ledger.domain import hold
from services.finance.payments.domain import intent
from services.finance.payouts.domain import payout

MACHINES = (intent.TRANSITIONS, hold.TRANSITIONS, payout.TRANSITIONS, cash.TRANSITIONS)


def test_draws_exactly_the_declared_transitions() -> None:
    readme = (Path(services.finance.__file__).parent / "README.md").read_text()

    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", readme, re.MULTILINE)

    declared = [
        (source.value, target.value, action.value)
        for machine in MACHINES
        for (source, action), target in machine.items()  # type: ignore[attr-defined]
    ]
    assert sorted(drawn) == sorted(declared)
