"""One spelling for what looks the same."""

from __future__ import annotations

import unicodedata

import pytest

from meshkit.text import complaint_about, matching_key, tidy, tidy_code

# Each alone shows nothing: Braille's empty sign, direction marks, Mongolian, Khmer and Hangul fillers, joiners, tags, a mark
# without a letter.
NOTHING_SEEN = [
    "\u2800", "\u200e", "\u200f", "\u061c", "\u180e", "\u034f", "\u17b4", "\u17b5", "\ufe0f", "\U000e0041", "\u0301",
    "\u200b", "\u3164", "\uffa0", "\u00ad", "\u2060", "\u2800 \u200f\ufe0f",
]  # fmt: skip


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

    @pytest.mark.parametrize("typed", NOTHING_SEEN)
    def test_leaves_nothing_of_fillers_marks_and_tags(self, typed: str) -> None:
        assert tidy(typed) == ""

    @pytest.mark.parametrize("typed", ["❤\ufe0f", "👩\u200d🌾", "🏴\U000e0067\U000e0062\U000e007f", "o\u0323\u0308x"])
    def test_keeps_signs_of_several_parts(self, typed: str) -> None:
        assert tidy(typed) == unicodedata.normalize("NFC", typed)

    def test_keeps_what_stands_inside(self) -> None:
        assert tidy("North  Farm\u200dX") == "North  Farm\u200dX"


class TestTheLargest:
    """A body of the gateway's size is looked at in a moment: a pattern or a composition that goes back takes minutes."""

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize(
        "text",
        [
            "é" + " " * 250_000 + "b", "é" + " \u200b" * 120_000 + "b", " \u200b" * 120_000 + "é", "\u200b \u3164" * 80_000,
            "a" + "\u0301\u0323" * 60_000, ("e" + "\u0301" * 30) * 8_000, "é" + "\ufe0f " * 80_000 + "x",
        ],
        ids=lambda text: ascii(text[:3]),
    )  # fmt: skip
    def test_text_takes_no_square_of_its_length(self, text: str) -> None:
        for _ in range(3):
            assert len(tidy(text)) <= len(text)
            assert len(tidy_code(text)) <= len(text)
            complaint_about(text, one_line=True)

    def test_number_of_marks_is_refused(self) -> None:
        assert complaint_about("a" + "\u0301" * 31, one_line=False) == "must not have more than 30 marks on one letter"
        assert complaint_about("a" + "\u0301" * 30, one_line=False) == ""


class TestTidyCode:
    @pytest.mark.parametrize("typed", ["ÉX -1", "ÉX\u00a0-1", "E\u0301X -1", "ÉＸ －１", "ÉX\u200b  -1\ufe0f"])
    def test_is_one_for_what_looks_the_same(self, typed: str) -> None:
        assert tidy_code(typed) == "ÉX -1"

    @pytest.mark.parametrize(
        "typed",
        ["e\u200d\u0301", "\u00bd", "\ufdfa", "A\u200b B", "\u1100\u034f\u1161", "\u203e", "\u2017x"],
        ids=ascii,
    )
    def test_of_itself_is_itself(self, typed: str) -> None:
        assert tidy_code(tidy_code(typed)) == tidy_code(typed)

    def test_keeps_case(self) -> None:
        assert tidy_code("ab") != tidy_code("AB")


class TestComplaintAbout:
    @pytest.mark.parametrize("lines", ["a\nb", "a\tb", "a\u2028b", "a\u2029b", "a\r\nb"])
    def test_names_lines_where_there_is_one(self, lines: str) -> None:
        assert complaint_about(lines, one_line=True) == "must be one line, without tabs"
        assert complaint_about(lines, one_line=False) == ""

    @pytest.mark.parametrize("text", ["", "Blue Dream", "Crème brûlée ☘", "שלום"])
    def test_is_empty_for_text(self, text: str) -> None:
        assert complaint_about(text, one_line=True) == ""


class TestMatchingKey:
    @pytest.mark.parametrize(
        "typed", ["SAVE 10", "SA\u200bVE 10", " save 10", "Save\u00a010 ", "ＳＡＶＥ １０", "save  10"]
    )
    def test_is_the_same_for_twins(self, typed: str) -> None:
        assert matching_key(typed) == "save 10"

    def test_tells_other_texts_apart(self) -> None:
        assert matching_key("SAVE10") != matching_key("SAVE 10")

    @pytest.mark.parametrize("typed", ["Straße", "STRASSE", "İzmir", "ﬁne", "A\u030a"])
    def test_of_itself_is_itself(self, typed: str) -> None:
        assert matching_key(matching_key(typed)) == matching_key(typed)
