"""What spreadsheet programs do to text, and how it survives them.

They run cells that look like formulas, and turn cells that look like numbers, times or dates into such: 0017 becomes 17,
1E5 becomes 1.00E+05, 24:10 a time, 3-4 a day of this year. A leading apostrophe keeps them from both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from decimal import ROUND_HALF_UP, Decimal

Value = tuple[object, ...]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?:" + "|".join(_MONTHS) + ")[a-z]*"
# Also behind blanks, marks and the separators of other sheets; full-width signs count in some countries.
_FORMULA = r"[\s\ufeff\u200b-\u200d\u2060;,|]*[=+\-@＝＋－＠﹢﹣]|[\t\r\n]"
_CHANGED = (
    r"0[0-9]+(?:[.,][0-9]*)?$"
    r"|[0-9]+[.,][0-9]*0$"
    r"|[0-9]+(?:[.,][0-9]+)?e[+-]?[0-9]+$"
    r"|[0-9]{12,}$"
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
_DAY = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})(?:[/.-]([0-9]{2}|[0-9]{4}))?", re.ASCII)
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
_WHOLE_MONTH = "|".join(
    f"{name[:3]}(?:{name[3:]})?"
    for name in (
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    )
)  # fmt: skip
_DAY_OR_YEAR = "[0-9]{1,2}|(?:19|20)[0-9]{2}"
# As a vendor types it, and as a spreadsheet writes it: never without something in between.
_NAMED_DAY = re.compile(
    rf"([0-9]{{1,2}})[\s/-]?({_WHOLE_MONTH})|({_WHOLE_MONTH})[\s/-]?({_DAY_OR_YEAR})", re.IGNORECASE | re.ASCII
)
_WRITTEN_DAY = re.compile(
    rf"([0-9]{{1,2}})\.?[\s/-]({_WHOLE_MONTH})|({_WHOLE_MONTH})[\s/-]({_DAY_OR_YEAR})", re.IGNORECASE | re.ASCII
)
_LAST_MONTH, _LAST_DAY, _SHORT_YEAR = 12, 31, 2
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


def values_of(known: str, *, places: Collection[int] = ()) -> set[Value]:
    """Return what a spreadsheet may make of a text; `readings_of` a cell shares one if the cell may be that text, changed.

    A long number is rounded to so many `places` behind the first digit: those that the cells have (`places_in`).
    """
    found = _exact_values_of(known) | _days_in(_NAMED_DAY.fullmatch(known), is_written=False)
    if match := _DAY.fullmatch(known):
        found |= _dates(match[1], match[3], year=match[4] or "", is_written=False)
    digits = known.lstrip("0")
    if digits.isascii() and digits.isdecimal() and len(digits) > _SHOWN_WHOLE:
        found |= {("rounded", count, _rounded(digits, count)) for count in places}
        found.add(("first digits", digits[:_KEPT], len(digits)))
    return found


def readings_of(cell: str) -> set[Value]:
    """Return what a cell may have been before a spreadsheet changed it, in the terms of `values_of`."""
    found = _exact_values_of(cell) | _days_in(_WRITTEN_DAY.fullmatch(cell), is_written=True)
    if match := _ISO_DAY.fullmatch(cell):
        found |= _dates(match[2], match[3], year=match[1], is_written=True)
    # Two numbers with a point between are a number, unless a year follows.
    if (match := _DAY.fullmatch(cell)) and (match[2] != "." or match[4]):
        found |= _dates(match[1], match[3], year=match[4] or "", is_written=True)
    if match := _ROUNDED.fullmatch(cell):
        found.add(("rounded", len(match[2] or ""), Decimal(f"{match[1]}.{match[2] or 0}e{match[3]}")))
    if cell.isascii() and cell.isdecimal() and len(cell) > _KEPT and not cell[_KEPT:].strip("0"):
        found.add(("first digits", cell[:_KEPT], len(cell)))
    return found


def places_in(readings: Iterable[Value]) -> set[int]:
    """Return to how many places cells were rounded."""
    return {int(str(value[1])) for value in readings if value[0] == "rounded"}


def _exact_values_of(text: str) -> set[Value]:
    found: set[Value] = set()
    if _NUMBER.fullmatch(text):
        number = Decimal(text.replace(",", "."))
        found.add(("number", number.normalize()))
        if number < _DAYS_OF_A_TIME and number % 1:
            minutes = round(number * _MINUTES_A_DAY)
            if abs(number * _MINUTES_A_DAY - minutes) < _NEARLY:
                found.add(("time", *divmod(minutes, 60)))
    if _THOUSANDS.fullmatch(text):
        found.add(("number", Decimal(text.replace(",", "")).normalize()))
    if match := _TIME.fullmatch(text):
        found.add(("time", int(match[1]), int(match[2])))
    return found


def _days_in(match: re.Match[str] | None, *, is_written: bool) -> set[Value]:
    """Return the day of a month that is named, or the month of a year, which is shown with two digits."""
    if match is None:
        return set()
    month = _MONTHS.index((match[2] or match[3])[:3].lower()) + 1
    number = match[1] or match[4]
    if len(number) <= _SHORT_YEAR:
        return {("day", month, int(number))}
    found: set[Value] = {("month", month, int(number))}
    return found if is_written else found | {("day", month, int(number[-2:]))}


def _dates(first: str, second: str, *, year: str, is_written: bool) -> set[Value]:
    """Return the days that two numbers may be: which is the month depends on the country.

    A spreadsheet writes the year of today behind a day that had none, so a written one may be of either kind.
    """
    numbers = int(first), int(second)
    if not (1 <= min(numbers) <= _LAST_MONTH and max(numbers) <= _LAST_DAY):
        return set()
    found: set[Value] = set()
    for month, day in (numbers, numbers[::-1]):
        if year:
            found.add(("date", month, day, int(year[-2:])))
        if is_written or not year:
            found.add(("day", month, day))
    return found


def _rounded(digits: str, places: int) -> Decimal:
    """Return a number as it is shown with an exponent and so many places, half up as spreadsheets do."""
    unit = Decimal(1).scaleb(len(digits) - 1 - places)
    return (Decimal(digits) / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
