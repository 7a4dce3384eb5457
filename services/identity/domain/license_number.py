"""When two licence numbers are one."""

from __future__ import annotations

import re

from meshkit.text import matching_key

_DASHES = re.compile("[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]")
# Blanks of every kind, and what nobody sees: soft hyphens, zero-width spaces and joiners.
_UNSEEN = re.compile("[\\s\u00ad\u200b-\u200d\u2060\ufeff\u115f\u1160\u3164\uffa0]+")


def number_key(number: str) -> str:
    """Return what two spellings of one licence number have in common: they differ in blanks, case, width or kinds of dashes.

    Where the dashes are is part of the number: 1-23 and 12-3 are two.
    """
    return _UNSEEN.sub("", matching_key(_DASHES.sub("-", number)))
