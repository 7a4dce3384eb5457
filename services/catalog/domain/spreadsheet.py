"""What spreadsheet programs do to text, and how it survives them.

They run cells that look like formulas, and turn cells that look like numbers, times or dates into such: 0017 becomes 17,
1E5 becomes 1.00E+05, 24:10 a time, 3-4 a day of this year. A leading apostrophe keeps them from both.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

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
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]*)?(?:e[+-]?[0-9]{1,2})?", re.IGNORECASE | re.ASCII)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+", re.ASCII)
_ROUNDED = re.compile(r"([0-9])(?:[.,]([0-9]+))?e\+?([0-9]{1,2})", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"([0-9]{1,4}):([0-9]{1,2})(?::00)?", re.ASCII)
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})(?:[/.-](?:[0-9]{2}|[0-9]{4}))?", re.ASCII)
_ISO_DAY = re.compile(r"[0-9]{4}-([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
_WHOLE_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
))  # fmt: skip
# As a vendor types it, and as a spreadsheet writes it: never without something in between.
_NAMED_DAY = re.compile(
    rf"([0-9]{{1,2}})[\s/-]?({_WHOLE_MONTH})|({_WHOLE_MONTH})[\s/-]?([0-9]{{1,4}})", re.IGNORECASE | re.ASCII
)
_WRITTEN_DAY = re.compile(
    rf"([0-9]{{1,2}})\.?[\s/-]({_WHOLE_MONTH})|({_WHOLE_MONTH})[\s/-]([0-9]{{1,4}})", re.IGNORECASE | re.ASCII
)
# A time without its format is a part of a day.
_MINUTES_A_DAY, _DAYS_OF_A_TIME, _NEARLY = 1440, 1000, Decimal("0.01")
# Numbers of more digits are shown with an exponent, and those behind the fifteenth are lost.
_SHOWN_WHOLE, _KEPT = 11, 15


def harmless(cell: str, *, is_text: bool = True) -> str:
    """Return a cell that no spreadsheet runs or, if it is a text, changes; `plain` takes it back."""
    return f"'{cell}" if _RUN.match(cell) or (is_text and _TURNED.match(cell)) else cell


def plain(cell: str) -> str:
    """Return what `harmless` was given."""
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell


def values_of(known: str) -> set[tuple[object, ...]]:
    """Return what a spreadsheet may make of a text; `readings_of` a cell shares one if the cell may be that text, changed."""
    found = _exact_values_of(known) | _days_in(_NAMED_DAY.fullmatch(known))
    if _THOUSANDS.fullmatch(known):
        found.add(("number", Decimal(known.replace(",", ""))))
    digits = known.lstrip("0")
    if digits.isascii() and digits.isdecimal() and len(digits) > _SHOWN_WHOLE:
        found |= {("rounded", places, _rounded(digits, places)) for places in range(_SHOWN_WHOLE)}
        found.add(("first digits", digits[:_KEPT], len(digits)))
    return found


def readings_of(cell: str) -> set[tuple[object, ...]]:
    """Return what a cell may have been before a spreadsheet changed it, in the terms of `values_of`."""
    found = _exact_values_of(cell) | _days_in(_WRITTEN_DAY.fullmatch(cell))
    if match := _ISO_DAY.fullmatch(cell):
        found.add(("day", int(match[1]), int(match[2])))
    if match := _ROUNDED.fullmatch(cell):
        places = len(match[2] or "")
        found.add(("rounded", places, Decimal(f"{match[1]}.{match[2] or 0}e{match[3]}")))
    if cell.isascii() and cell.isdecimal() and len(cell) > _KEPT and not cell[_KEPT:].strip("0"):
        found.add(("first digits", cell[:_KEPT], len(cell)))
    return found


def _exact_values_of(text: str) -> set[tuple[object, ...]]:
    found: set[tuple[object, ...]] = set()
    if _NUMBER.fullmatch(text):
        number = Decimal(text.replace(",", "."))
        found.add(("number", number.normalize()))
        if number < _DAYS_OF_A_TIME and number % 1:
            minutes = round(number * _MINUTES_A_DAY)
            if abs(number * _MINUTES_A_DAY - minutes) < _NEARLY:
                found.add(("time", *divmod(minutes, 60)))
    if match := _TIME.fullmatch(text):
        found.add(("time", int(match[1]), int(match[2])))
    if match := _DAY.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        # Which is the month depends on the country.
        found |= {("day", first, second), ("day", second, first)}
    return found


def _days_in(match: re.Match[str] | None) -> set[tuple[object, ...]]:
    """Return a day of a month that is named, or a month of a year."""
    if match is None:
        return set()
    month = _MONTHS.index((match[2] or match[3])[:3].lower()) + 1
    number = match[1] or match[4]
    return {("day", month, int(number))} if len(number) <= 2 else {("day", month, int(number[-2:]))}


def _rounded(digits: str, places: int) -> Decimal:
    """Return a number as it is shown with an exponent and so many places, half up as spreadsheets do."""
    unit = Decimal(1).scaleb(len(digits) - 1 - places)
    return (Decimal(digits) / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
