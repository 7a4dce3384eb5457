"""What spreadsheet programs do to text, and how it survives them.

They run cells that look like formulas, and turn cells that look like numbers, times or dates into such: 0017 becomes 17,
1E5 becomes 1.00E+05, 24:10 a time, 3-4 a day of this year. A leading apostrophe keeps them from both.
"""

from __future__ import annotations

import re
from decimal import Decimal

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?:" + "|".join(_MONTHS) + ")[a-z]*"
# Also behind blanks, marks and the separators of other sheets; full-width signs count in some countries.
_FORMULA = r"[\s\ufeff\u200b-\u200d\u2060;,|]*[=+\-@＝＋－＠﹢﹣]|[\t\r\n]"
_CHANGED = (
    r"0[0-9]+(?:[.,][0-9]*)?$"
    r"|[0-9]+[.,][0-9]*0$"
    r"|[0-9]+(?:[.,][0-9]+)?e[+-]?[0-9]+$"
    r"|[0-9]{16,}$"
    r"|[0-9]{1,4}[:/.-][0-9]{1,2}(?:[:/.-][0-9]{1,4})?(?:\s*[ap]m?)?$"
    rf"|[0-9]{{1,2}}[\s/-]?{_MONTH}(?:[\s/-]?[0-9]{{2,4}})?$"
    rf"|{_MONTH}[\s/-]?[0-9]{{1,4}}$"
    r"|(?:true|false)$"
)
_RUN = re.compile(rf"'*(?:{_FORMULA})")
_TURNED = re.compile(rf"'*(?:{_CHANGED})", re.IGNORECASE | re.ASCII)
_MADE_HARMLESS = re.compile(rf"'+(?:{_FORMULA}|{_CHANGED})", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]{1,2})?", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"([0-9]{1,4}):([0-9]{1,2})(?::00)?", re.ASCII)
_DAY = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})(?:[/-](?:[0-9]{2}|[0-9]{4}))?", re.ASCII)
_DAY_AND_MONTH = re.compile(
    rf"([0-9]{{1,2}})\.?[\s/-]?({_MONTH})|({_MONTH})[\s/-]?([0-9]{{1,2}})", re.IGNORECASE | re.ASCII
)
# A time without its format is a part of a day.
_MINUTES_A_DAY, _DAYS_OF_A_TIME, _NEARLY = 1440, 1000, Decimal("0.01")


def harmless(cell: str, *, is_text: bool = True) -> str:
    """Return a cell that no spreadsheet runs or, if it is a text, changes; `plain` takes it back."""
    return f"'{cell}" if _RUN.match(cell) or (is_text and _TURNED.match(cell)) else cell


def plain(cell: str) -> str:
    """Return what `harmless` was given."""
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell


def values_of(text: str) -> set[tuple[object, ...]]:
    """Return what a spreadsheet may take a text for: two texts that share a value may be one that it has changed."""
    found: set[tuple[object, ...]] = set()
    if _NUMBER.fullmatch(text):
        number = Decimal(text)
        found.add(("number", number.normalize()))
        minutes = round(number * _MINUTES_A_DAY) if number < _DAYS_OF_A_TIME else 0
        if number % 1 and abs(number * _MINUTES_A_DAY - minutes) < _NEARLY:
            found.add(("time", *divmod(minutes, 60)))
    if match := _TIME.fullmatch(text):
        found.add(("time", int(match[1]), int(match[2])))
    if match := _DAY.fullmatch(text):
        found.add(("day", *sorted((int(match[1]), int(match[2])))))
    if match := _DAY_AND_MONTH.fullmatch(text):
        month = _MONTHS.index((match[2] or match[3])[:3].lower()) + 1
        found.add(("day", *sorted((int(match[1] or match[4]), month))))
    return found
