"""Compare a bank's file with our payouts, and name what differs."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError, Violation
from meshkit.market_day import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HEADER = ["amount", "currency", "reference", "date"]
MAX_LINES = 10_000
MAX_LINE_LENGTH = 500
# An answer names up to that many mistakes.
_MAX_NAMED = 20
_MAX_CENTS = 10**15


class Kind(StrEnum):
    """How the file differs from our payouts."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DUPLICATE = "duplicate"
    DATE_OUTSIDE = "date_outside"


@dataclass(frozen=True)
class Line:
    """A transfer as the bank's file has it."""

    number: int
    amount_cents: int
    currency: str
    reference: str
    on: date


@dataclass(frozen=True)
class Transfer:
    """A payout of ours."""

    payout_id: str
    reference: str
    amount_cents: int
    currency: str


@dataclass(frozen=True)
class Difference:
    """A line or a payout that does not fit."""

    kind: Kind
    line: Line | None = None
    ours: Transfer | None = None


def parse(content: str) -> list[Line]:
    """Return the file's lines. Raises ValidationError naming every wrong line and field, up to twenty."""
    rows = _rows(content.removeprefix("\ufeff"))
    _, header = next(rows, (1, []))
    if [name.strip().lower() for name in header] != HEADER:
        raise ValidationError.of("content.line[1]", f"must be the header {','.join(HEADER)}")
    lines: list[Line] = []
    wrong: list[Violation] = []
    for number, row in rows:
        read = _line(number, row)
        wrong += read if isinstance(read, list) else []
        lines += [read] if isinstance(read, Line) else []
    if wrong:
        raise ValidationError(f"{len(wrong)} mistakes in the file", violations=tuple(wrong[:_MAX_NAMED]))
    return lines


def _rows(content: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that say something, each with the number of the line of the file that it begins on."""
    # Lines end as CSV says, not as Unicode does: U+2028 may stand in a reference, a line break in quotes.
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    begins = 1
    try:
        for count, row in enumerate(reader):
            if count > MAX_LINES:
                raise ValidationError.of("content", f"has more than {MAX_LINES} lines; split it by days")
            if sum(map(len, row)) + len(row) - 1 > MAX_LINE_LENGTH:
                raise ValidationError.of(f"content.line[{begins}]", f"is longer than {MAX_LINE_LENGTH} characters")
            if any(field.strip() for field in row):
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ValidationError.of(f"content.line[{begins}]", f"is no CSV: {error}") from None


def compare(lines: Sequence[Line], ours: Sequence[Transfer], *, first: date, last: date) -> list[Difference]:
    """Return every difference: those of the file in its order, then what it lacks.

    A line belongs to the payout whose id or reference it names; several payouts under one reference are distinguished by
    their sums.
    """
    named: dict[str, list[Transfer]] = defaultdict(list)
    for transfer in ours:
        named[transfer.payout_id].append(transfer)
        if transfer.reference and transfer.reference != transfer.payout_id:
            named[transfer.reference].append(transfer)
    inside = [line for line in lines if first <= line.on <= last]
    matches: dict[int, Transfer] = {}
    taken: set[str] = set()
    # Lines that fit to the cent are matched first, so that no other line takes their payout.
    for is_match in (_agree, lambda line, transfer: line.currency == transfer.currency, lambda *_: True):
        for line in inside:
            free = (t for t in named.get(line.reference, ()) if t.payout_id not in taken and is_match(line, t))
            if line.number not in matches and (match := next(free, None)):
                matches[line.number] = match
                taken.add(match.payout_id)
    found = (_difference(line, matches.get(line.number), named, is_inside=first <= line.on <= last) for line in lines)
    missing = [Difference(Kind.MISSING_THERE, ours=transfer) for transfer in ours if transfer.payout_id not in taken]
    return [difference for difference in found if difference] + missing


def _agree(line: Line, transfer: Transfer) -> bool:
    return (transfer.amount_cents, transfer.currency) == (line.amount_cents, line.currency)


def _difference(
    line: Line, match: Transfer | None, named: Mapping[str, Sequence[Transfer]], *, is_inside: bool
) -> Difference | None:
    if not is_inside:
        return Difference(Kind.DATE_OUTSIDE, line)
    if match is None:
        return Difference(Kind.DUPLICATE if named.get(line.reference) else Kind.MISSING_HERE, line)
    if match.currency != line.currency:
        return Difference(Kind.CURRENCY_DIFFERS, line, match)
    return Difference(Kind.AMOUNT_DIFFERS, line, match) if match.amount_cents != line.amount_cents else None


def _line(number: int, row: list[str]) -> Line | list[Violation]:
    place = f"content.line[{number}]"
    if len(row) != len(HEADER):
        return [Violation(place, f"must have {len(HEADER)} fields")]
    amount, currency, reference, day = (field.strip() for field in row)
    wrong = []
    if not re.fullmatch(r"[0-9]{1,16}", amount) or not 0 < int(amount) <= _MAX_CENTS:
        wrong.append(Violation(f"{place}.amount", "must be whole minor units above zero"))
    if not re.fullmatch(r"[A-Z]{3}", currency):
        wrong.append(Violation(f"{place}.currency", "must be three capital letters"))
    if not reference:
        wrong.append(Violation(f"{place}.reference", "must not be empty"))
    try:
        on = parse_day(day, field=f"{place}.date")
    except ValidationError as error:
        return [*wrong, *error.violations]
    return wrong or Line(number, int(amount), currency, reference, on)
