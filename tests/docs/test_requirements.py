"""docs/requirements.md: every id once, and no row claims more than a test shows."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.docs.reading import ROOT, is_missing, tables

TEXT = (ROOT / "docs" / "requirements.md").read_text()
ID = re.compile(r"\b(?:PF-\d+[BC]?|S3-\d+\.\d+|BE-\d+[a-z]?|DA-\d+[a-z]?|iOS-\d+|X-\d+|M1-[SD]\d+|DC-\d+[a-z]?)\b")
ROWS = [row for table in tables(TEXT) if table[0][0] in {"Ids", "Ref"} for row in table[1:]]
IDS = [name for table in tables(TEXT) if table[0][0] == "Ids" for row in table[1:] for name in ID.findall(row[0])]
SUMMARY = re.compile(r"^Ids: (\d+)\. Rows: (\d+)\. Done: (\d+)\. Partly: (\d+)\. Open: (\d+)\.$", re.MULTILINE)
SERVICES = {"identity", "catalog", "commerce", "fulfillment", "finance", "media", "ads", "analytics"}


def state_of(row: list[str]) -> str:
    return row[3].partition(":")[0]


def named_in(row: list[str]) -> list[str]:
    return re.findall(r"`([^`]+)`", row[4])


class TestIds:
    def test_stand_here_once(self) -> None:
        assert [name for name, count in Counter(IDS).items() if count > 1] == []

    def test_are_all_there(self) -> None:
        kinds = Counter("PF" if name.startswith("PF") else "S3" if name.startswith("S3") else "other" for name in IDS)

        assert kinds == {"PF": 293, "S3": 277, "other": 69}

    def test_every_row_has_one(self) -> None:
        bare = [row for table in tables(TEXT) if table[0][0] == "Ids" for row in table[1:] if not ID.search(row[0])]

        assert bare == []


class TestRows:
    def test_are_counted_in_the_first_lines(self) -> None:
        states = Counter(state_of(row) for row in ROWS)

        found = SUMMARY.search(TEXT)

        assert found, "the line with the counts is missing"
        assert [int(number) for number in found.groups()] == [
            len(IDS), len(ROWS), states["done"], states["partly"], states["open"],
        ]  # fmt: skip

    def test_are_counted_per_section(self) -> None:
        counted: dict[str, Counter[str]] = {}
        for part in re.split(r"^#{2,3} (?=D\.)", TEXT, flags=re.MULTILINE)[1:]:
            rows = [row for table in tables(part) if table[0][0] in {"Ids", "Ref"} for row in table[1:]]
            if rows:
                counted[part.split()[0]] = Counter(state_of(row) for row in rows)

        counted["all"] = sum(counted.values(), Counter())
        (told,) = (table[1:] for table in tables(TEXT) if table[0][0] == "Section")

        assert {row[0]: [int(number) for number in row[1:]] for row in told} == {
            section: [counts["done"], counts["partly"], counts["open"]] for section, counts in counted.items()
        }

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
    def test_say_what_they_must(self, row: list[str]) -> None:
        assert len(row) == 5, "a cell is missing"
        assert state_of(row) in {"done", "partly", "open"}
        if state_of(row) == "done":
            assert named_in(row), "a done row names the test that proves it"
        if state_of(row) == "partly":
            assert row[3].removeprefix("partly:").strip(), "a partly row says what is missing"
        if state_of(row) == "open":
            assert named_in(row) == [], "an open row has nothing to show"

    @pytest.mark.parametrize("row", [row for row in ROWS if named_in(row)], ids=lambda row: row[0])
    def test_name_tests_that_exist(self, row: list[str]) -> None:
        assert [test for test in named_in(row) if is_missing(test)] == []
