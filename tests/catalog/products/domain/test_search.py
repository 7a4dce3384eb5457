"""Words are made plain on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.products.domain.search import plain_words, prefix_query


class TestPlainWords:
    @pytest.mark.parametrize(
        ("texts", "words"),
        [
            (("Crème Brûlée",), "creme brulee"),
            (("Blue-Dream", "3.5g"), "blue dream 3 5g"),
            (("SKU_1", "", "  "), "sku 1"),
            (("';--",), ""),
        ],
    )
    def test_lose_case_accents_and_punctuation(self, texts: tuple[str, ...], words: str) -> None:
        assert plain_words(*texts) == words

    @given(st.text())
    def test_are_plain_already_when_they_are(self, text: str) -> None:
        assert plain_words(plain_words(text)) == plain_words(text)


class TestPrefixQuery:
    def test_asks_for_the_beginning_of_every_word(self) -> None:
        assert prefix_query("blue dr") == "blue:* & dr:*"
