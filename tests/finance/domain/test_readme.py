"""The picture in the README is the state machine in the code."""

from __future__ import annotations

import re
from pathlib import Path

import services.finance
from services.finance.domain.intent import TRANSITIONS


def test_draws_exactly_the_declared_transitions() -> None:
    readme = (Path(services.finance.__file__).parent / "README.md").read_text()

    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", readme, re.MULTILINE)

    assert set(drawn) == {
        (source.value, target.value, action.value) for (source, action), target in TRANSITIONS.items()
    }
    assert len(drawn) == len(TRANSITIONS)
