"""One spelling for what looks the same."""

from __future__ import annotations

import pytest

from meshkit.text import matching_key, tidy


class TestTidy:
    @pytest.mark.parametrize(
        "typed",
        [
            "Cafe\u0301",
            " Café ",
            "\u00a0Café\u2003",
            "\u200bCafé\ufeff",
            "\u3164 Café \u2060",
            "\tCafé\n",
            "\u2028Café",
        ],
    )
    def test_leaves_one_spelling(self, typed: str) -> None:
        assert tidy(typed) == "Café"

    @pytest.mark.parametrize("typed", ["", " ", "\u200b", "\u3164\u00a0", "\ufeff\u200d\t"])
    def test_leaves_nothing_of_what_nobody_sees(self, typed: str) -> None:
        assert tidy(typed) == ""

    def test_keeps_what_stands_inside(self) -> None:
        assert tidy("North  Farm\u200dX") == "North  Farm\u200dX"


class TestMatchingKey:
    @pytest.mark.parametrize("typed", ["SAVE 10", " save 10", "Save\u00a010 ", "ＳＡＶＥ １０", "save  10"])
    def test_is_the_same_for_twins(self, typed: str) -> None:
        assert matching_key(typed) == "save 10"

    def test_tells_other_texts_apart(self) -> None:
        assert matching_key("SAVE10") != matching_key("SAVE 10")

    @pytest.mark.parametrize("typed", ["Straße", "STRASSE", "İzmir", "ﬁne", "A\u030a"])
    def test_of_itself_is_itself(self, typed: str) -> None:
        assert matching_key(matching_key(typed)) == matching_key(typed)
