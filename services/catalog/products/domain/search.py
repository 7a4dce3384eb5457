"""Turns what vendors and buyers write into plain words, the same way on both sides."""

from __future__ import annotations

import re
import unicodedata

_NOT_WORDS = re.compile(r"[\W_]+")


def plain_words(*texts: str) -> str:
    """Return the words of some texts: lower case, without accents and punctuation, one space between."""
    decomposed = unicodedata.normalize("NFKD", " ".join(texts))
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _NOT_WORDS.sub(" ", bare.casefold()).strip()


def prefix_query(words: str) -> str:
    """Return the tsquery that finds texts having a word that begins with each of the plain words."""
    return " & ".join(f"{word}:*" for word in words.split())
