"""Read the rows of a sheet of products."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.text import tidy
from services.catalog.products.domain.sheet import BY_NAME, MAX_BYTES, MAX_ROWS, SheetRow, column_of, read_row
from services.catalog.products.domain.spreadsheet import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELD = "sheet"
# The one that is most often in the heading is taken, of equals the first.
_SEPARATORS = (",", ";", "\t")


@dataclass
class WrittenRow(SheetRow):
    """A row with its SKU as the sheet has it: some old products are spelled so.

    `is_kept_as_text`: an apostrophe stood in front, so no spreadsheet has changed it.
    """

    written_sku: str = ""
    is_kept_as_text: bool = False


def read_sheet(data: bytes, *, content_type: str) -> list[WrittenRow]:
    """Return the rows of a sheet, wrong ones with their reasons. Columns are separated by commas, semicolons or tabs.

    A browser's form is taken apart: its one file is the sheet. Raises ValidationError when it is too large, no UTF-8
    text, no sheet, or has columns that we do not know.
    """
    if content_type.lower().startswith("multipart/form-data"):
        data = _file_of(data, content_type)
    if len(data) > MAX_BYTES:
        raise ValidationError.of(_FIELD, f"has {len(data)} bytes; at most {MAX_BYTES} are allowed", reason="TOO_LARGE")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError.of(_FIELD, "is no UTF-8 text") from None
    lines = _lines(text)
    columns = _columns(next(lines, (1, []))[1])
    rows: list[WrittenRow] = []
    for line, cells in lines:
        if len(rows) == MAX_ROWS:
            raise ValidationError.of(_FIELD, f"has more than {MAX_ROWS} rows", reason="TOO_LARGE")
        row = read_row(line, columns, cells)
        cell = "" if row.problems else cells[columns.index("sku")]
        rows.append(WrittenRow(**vars(row), written_sku=plain(cell), is_kept_as_text=plain(cell) != cell))
    return rows


def _file_of(data: bytes, content_type: str) -> bytes:
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + data)
    files = [part for part in form.iter_parts() if part.get_filename() is not None] if form.is_multipart() else []
    if len(files) != 1:
        raise ValidationError.of(_FIELD, f"the form must have one file in it; it has {len(files) or 'none'}")
    content = files[0].get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that say something, each with the number of the line that it begins on."""
    heading = text.lstrip("\r\n").splitlines()[:1]
    separator = max(_SEPARATORS, key=heading[0].count) if heading else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    begin = 1
    try:
        for cells in reader:
            if any(tidy(cell) for cell in cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ValidationError.of(_FIELD, f"line {begin}: {error}") from None


def _columns(names: list[str]) -> list[str]:
    while names and not tidy(names[-1]):
        names = names[:-1]
    columns = [column_of(name) for name in names]
    unknown = [name for name, column in zip(names, columns, strict=True) if column is None]
    if unknown:
        raise ValidationError.of(_FIELD, f"line 1: unknown column {unknown[0][:50]!r}; known are {', '.join(BY_NAME)}")
    if "sku" not in columns or len(set(columns)) < len(columns):
        raise ValidationError.of(_FIELD, "line 1 must name the columns, sku among them and none twice")
    return [column for column in columns if column]
