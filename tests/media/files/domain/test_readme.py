"""The picture in the README is the state machine in the code."""

from __future__ import annotations

import re
from pathlib import Path

import services.media
from services.media.files.domain.status import TRANSITIONS


def test_draws_exactly_the_declared_transitions() -> None:
    readme = (Path(services.media.__file__).parent / "README.md").read_text()

    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", readme, re.MULTILINE))

    assert drawn == {(source.value, target.value) for source, targets in TRANSITIONS.items() for target in targets}
