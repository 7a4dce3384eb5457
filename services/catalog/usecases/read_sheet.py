"""Take a sheet of products apart."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from services.catalog.domain.sheet import BY_NAME, MAX_BYTES, MAX_ROWS, SheetRow, read_row

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELD = "sheet"


def read_sheet(data: bytes) -> list[SheetRow]:
    """Return the rows of a sheet, wrong ones with their reason; of rows with one SKU only the first stands.

    Raises ValidationError when it is too large, no UTF-8 text, no sheet, or has columns that we do not know.
    """
    if len(data) > MAX_BYTES:
        raise ValidationError.of(_FIELD, f"has {len(data)} bytes; at most {MAX_BYTES} are allowed", reason="TOO_LARGE")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError.of(_FIELD, "is no UTF-8 text") from None
    lines = _lines(text)
    columns = _columns(next(lines, (1, []))[1])
    rows: list[SheetRow] = []
    seen: dict[str, int] = {}
    for line, cells in lines:
        if len(rows) == MAX_ROWS:
            raise ValidationError.of(_FIELD, f"has more than {MAX_ROWS} rows", reason="TOO_LARGE")
        row = read_row(line, columns, cells)
        if row.sku in seen:
            row.reject("sku", f"line {seen[row.sku]} has the same SKU")
        elif row.sku:
            seen[row.sku] = line
        rows.append(row)
    return rows


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    try:
        for cells in reader:
            if cells:
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ValidationError.of(_FIELD, f"line {begin}: {error}") from None


def _columns(names: list[str]) -> list[str]:
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise ValidationError.of(_FIELD, f"line 1: unknown column {unknown[0][:50]!r}; known are {', '.join(BY_NAME)}")
    if "sku" not in names or len(set(names)) < len(names):
        raise ValidationError.of(_FIELD, "line 1 must name the columns, sku among them and none twice")
    return [BY_NAME[name] for name in names]
