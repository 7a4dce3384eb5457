"""When two licence numbers are one."""

from __future__ import annotations

import re

from meshkit.text import matching_key

_DASHES = re.compile("[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]")


def number_key(number: str) -> str:
    """Return what two spellings of one licence number have in common: they differ in blanks, case, width or kinds of dashes.

    Where the dashes are is part of the number: 1-23 and 12-3 are two.
    """
    return matching_key(_DASHES.sub("-", number)).replace(" ", "")
