"""The picture in the README is the state machine in the code."""

from __future__ import annotations

import re
from pathlib import Path

import services.catalog
from services.catalog.products.domain.sheet import BY_NAME, COLUMNS
from services.catalog.stock.domain.reservations import TRANSITIONS


def test_draws_exactly_the_declared_transitions() -> None:
    readme = (Path(services.catalog.__file__).parent / "README.md").read_text()

    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", readme, re.MULTILINE))

    assert drawn == {(source.value, target.value) for source, targets in TRANSITIONS.items() for target in targets}


def test_names_every_column_of_a_sheet_and_which_are_needed() -> None:
    readme = (Path(services.catalog.__file__).parent / "README.md").read_text()

    rows = re.findall(r"^\| (`[^|]+`) \|.*\| (needed)? ?\|$", readme, re.MULTILINE)
    told = {name: bool(needed) for names, needed in rows for name in re.findall(r"`(\w+)`", names)}

    assert told == {name: COLUMNS[column].is_required for name, column in BY_NAME.items()}
