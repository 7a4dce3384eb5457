"""A product's row in a sheet: columns, and what may stand in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from meshkit.text import complaint_about, matching_key, tidy, tidy_code
from services.catalog.products.domain.percent import format_percent, parse_percent
from services.catalog.products.domain.product import (
    SKU_MAX,
    Category,
    Classification,
    Feeling,
    Flavor,
    Unit,
    Usage,
    VolumeTier,
)
from services.catalog.products.domain.spreadsheet import plain
from services.catalog.stock.domain.stock import MAX_UNITS

MAX_BYTES = 1024 * 1024
MAX_ROWS = 2000
_INT_MAX = 2**31 - 1
_CENTS_MAX = 1_000_000_000_000
_LIST_MAX = 20
_PERCENT = re.compile(r"(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
# Spreadsheets of many countries write a decimal comma.
_DECIMAL_COMMA = re.compile(r"([0-9]),([0-9])")


T = TypeVar("T")
# What a row says, by column. Each value has the type that its Column reads; mypy cannot know it, as columns are looked up by name.
Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Column(Generic[T]):
    """How a cell is read (ValueError says what is wrong) and written, and what a new product has without it."""

    read: Callable[[str], T]
    write: Callable[[T], str]
    default: T | None = None
    is_required: bool = False


def _text(
    *, most: int, least: int = 0, one_line: bool = True, spelling: Callable[[str], str] = tidy
) -> Callable[[str], str]:
    def read(cell: str) -> str:
        cell = tidy(cell)
        # As for every text of a request, see meshkit/grpc/guard.py.
        if complaint := complaint_about(cell, one_line=one_line):
            raise ValueError(complaint)
        cell = spelling(cell)
        if not least <= len(cell) <= most:
            raise ValueError(f"must have {least} to {most} characters")
        return cell

    return read


def _whole(*, most: int, least: int = 0) -> Callable[[str], int]:
    def read(cell: str) -> int:
        cell = tidy(cell)
        if not _WHOLE.fullmatch(cell) or not least <= int(cell) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(cell)

    return read


def _word(words: type[StrEnum], *, may_be_empty: bool = False) -> Callable[[str], str | None]:
    known = {word.value for word in words}

    def read(cell: str) -> str | None:
        cell = tidy(cell)
        if not cell and may_be_empty:
            return None
        if cell not in known:
            raise ValueError(f"must be one of {', '.join(sorted(known))}")
        return cell

    return read


def _words(words: type[StrEnum]) -> Callable[[str], list[str]]:
    one = _word(words)

    def read(cell: str) -> list[str]:
        found = [one(part) for part in cell.split("|")]
        if len(set(found)) < len(found) or len(found) > _LIST_MAX:
            raise ValueError("names a word twice")
        return [word for word in found if word]

    return read


def _percent(cell: str) -> int | None:
    cell = _DECIMAL_COMMA.sub(r"\1.\2", tidy(cell))
    if not cell:
        return None
    if not _PERCENT.fullmatch(cell):
        raise ValueError("must be a percentage from 0 to 100 with up to two decimals")
    return parse_percent(cell)


def _flag(cell: str) -> bool:
    # Spreadsheets write TRUE.
    word = tidy(cell).lower()
    if word not in {"true", "false"}:
        raise ValueError("must be true or false")
    return word == "true"


def _tiers(cell: str) -> tuple[VolumeTier, ...]:
    tiers = []
    for part in cell.split("|") if tidy(cell) else ():
        quantity, _, percent = part.partition(":")
        discount = _percent(percent)
        if discount is None:
            raise ValueError("must be quantity:percent, several separated by |")
        tiers.append(VolumeTier(_whole(least=1, most=_INT_MAX)(quantity), discount))
    if len({tier.min_qty for tier in tiers}) < len(tiers) or len(tiers) > _LIST_MAX:
        raise ValueError("two tiers begin at the same quantity, or there are more than 20")
    return tuple(sorted(tiers, key=lambda tier: tier.min_qty))


def _shown_percent(value: int | None) -> str:
    return "" if value is None else format_percent(value)


def _shown_tiers(tiers: Iterable[VolumeTier]) -> str:
    return "|".join(f"{tier.min_qty}:{format_percent(tier.discount_basis_points)}" for tier in tiers)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


_CENTS = _whole(most=_CENTS_MAX)
TIERS, STOCK, THRESHOLD = "volume_discounts", "available_qty", "low_stock_threshold"
# By the name at the top of the sheet. Most are columns of `products`.
COLUMNS: dict[str, Column[Any]] = {
    "sku": Column(_text(least=1, most=SKU_MAX, spelling=tidy_code), _shown, is_required=True),
    "title": Column(_text(least=1, most=200), _shown, is_required=True),
    "subtitle": Column(_text(most=200), _shown, ""),
    "body_html": Column(_text(most=20_000, one_line=False), _shown, ""),
    "strain": Column(_text(most=100), _shown, ""),
    "category": Column(_word(Category), _shown, is_required=True),
    "classification": Column(_word(Classification, may_be_empty=True), _shown),
    "unit": Column(_word(Unit), _shown, is_required=True),
    "feelings": Column(_words(Feeling), "|".join, is_required=True),
    "flavors": Column(_words(Flavor), "|".join, is_required=True),
    "usages": Column(_words(Usage), "|".join, is_required=True),
    "moq": Column(_whole(least=1, most=_INT_MAX), _shown, 1),
    "max_qty": Column(_whole(most=_INT_MAX), _shown, 0),
    "price_cents": Column(_CENTS, _shown, is_required=True),
    "compare_at_price_cents": Column(_CENTS, _shown, 0),
    "thc_basis_points": Column(_percent, _shown_percent),
    "cbd_basis_points": Column(_percent, _shown_percent),
    "is_active": Column(_flag, lambda value: "true" if value else "false", True),
    "is_featured": Column(_flag, lambda value: "true" if value else "false", False),
    TIERS: Column(_tiers, _shown_tiers, ()),
    THRESHOLD: Column(_whole(most=_INT_MAX), _shown, 0),
    STOCK: Column(_whole(most=MAX_UNITS), _shown, 0),
}
# Percentages stand in the sheet as such.
NAMES = {"thc_basis_points": "thc_percent", "cbd_basis_points": "cbd_percent", "usages": "usage"}
BY_NAME = {NAMES.get(column, column): column for column in COLUMNS}
# A tier may look like a time.
TEXTS = {"sku", "title", "subtitle", "body_html", "strain", TIERS}
EXPORTED = [column for column in COLUMNS if column != STOCK]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a cell; without a field, with the whole row."""

    field: str
    reason: str


@dataclass
class SheetRow:
    """A line of a sheet: what could be read of it, and everything that is wrong."""

    line: int
    sku: str
    values: Values
    problems: list[Problem] = field(default_factory=list)

    def reject(self, column: str, reason: str) -> None:
        """Note what is wrong."""
        self.problems.append(Problem(column, reason))


def read_row(line: int, columns: list[str], cells: list[str]) -> SheetRow:
    """Return a line's values by column, and all that is wrong with it. Empty cells beyond the columns do not count."""
    row = SheetRow(line, "", {})
    if len(cells) < len(columns) or any(tidy(cell) for cell in cells[len(columns) :]):
        row.reject("", f"has {len(cells)} cells where the first line names {len(columns)}")
        return row
    for column, cell in zip(columns, cells, strict=False):
        text = plain(cell)
        if column == "sku":
            row.sku = tidy_code(text)[:SKU_MAX]
        if column == STOCK and not tidy(text):
            continue
        try:
            row.values[column] = COLUMNS[column].read(text)
        except ValueError as error:
            row.reject(NAMES.get(column, column), str(error))
    return row


def column_of(name: str) -> str | None:
    """Return the column that a heading names, however it is spaced and cased, or None."""
    return BY_NAME.get(matching_key(name).replace(" ", "_").replace("-", "_"))
