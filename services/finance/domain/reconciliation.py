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

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = ["amount", "currency", "reference", "date"]
MAX_LINES = 10_000
MAX_LINE_LENGTH = 500
# That many mistakes are named at once.
_TOLD = 20
_MAX_CENTS = 10**15


class Kind(StrEnum):
    """How file and books differ."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DUPLICATE = "duplicate"
    DATE_OUTSIDE = "date_outside"


@dataclass(frozen=True)
class Line:
    """A transfer as the file tells it."""

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
    """One thing that does not fit."""

    kind: Kind
    line: Line | None = None
    ours: Transfer | None = None


def parse(content: str) -> list[Line]:
    """Return the file's lines. Raises ValidationError naming every wrong line and field, up to twenty."""
    texts = content.splitlines()
    if len(texts) > MAX_LINES + 1:
        raise ValidationError.of("content", f"has more than {MAX_LINES} lines; split it by days")
    for number, text in enumerate(texts, start=1):
        if len(text) > MAX_LINE_LENGTH:
            raise ValidationError.of(f"content.line[{number}]", f"is longer than {MAX_LINE_LENGTH} characters")
    try:
        rows = list(csv.reader(io.StringIO("\n".join(texts)), strict=True))
    except csv.Error as error:
        raise ValidationError.of("content", f"is no CSV: {error}") from None
    if not rows or [name.strip().lower() for name in rows[0]] != HEADER:
        raise ValidationError.of("content.line[1]", f"must be the header {','.join(HEADER)}")
    lines: list[Line] = []
    wrong: list[Violation] = []
    for number, row in enumerate(rows[1:], start=2):
        if row:
            read = _line(number, row)
            wrong += read if isinstance(read, list) else []
            lines += [read] if isinstance(read, Line) else []
    if wrong:
        raise ValidationError(f"{len(wrong)} mistakes in the file", violations=tuple(wrong[:_TOLD]))
    return lines


def compare(lines: Sequence[Line], ours: Sequence[Transfer], *, first: date, last: date) -> list[Difference]:
    """Return every difference: those of the file in its order, then what it lacks.

    A line belongs to the payout whose id or reference it names; several payouts under one reference are told apart by
    their sums.
    """
    named: dict[str, list[Transfer]] = defaultdict(list)
    for transfer in ours:
        named[transfer.payout_id].append(transfer)
        if transfer.reference and transfer.reference != transfer.payout_id:
            named[transfer.reference].append(transfer)
    found: list[Difference] = []
    seen: set[str] = set()
    for line in lines:
        if not first <= line.on <= last:
            found.append(Difference(Kind.DATE_OUTSIDE, line))
            continue
        candidates = named.get(line.reference, [])
        left = [transfer for transfer in candidates if transfer.payout_id not in seen]
        if not left:
            found.append(Difference(Kind.DUPLICATE if candidates else Kind.MISSING_HERE, line))
            continue
        exact = [t for t in left if (t.amount_cents, t.currency) == (line.amount_cents, line.currency)]
        match = (exact or left)[0]
        seen.add(match.payout_id)
        if match.currency != line.currency:
            found.append(Difference(Kind.CURRENCY_DIFFERS, line, match))
        elif match.amount_cents != line.amount_cents:
            found.append(Difference(Kind.AMOUNT_DIFFERS, line, match))
    return found + [
        Difference(Kind.MISSING_THERE, ours=transfer) for transfer in ours if transfer.payout_id not in seen
    ]


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
        on = date.fromisoformat(day)
    except ValueError:
        return [*wrong, Violation(f"{place}.date", "must be an ISO date")]
    return wrong or Line(number, int(amount), currency, reference, on)
