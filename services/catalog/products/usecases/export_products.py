"""Write a store's products as a sheet."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from services.catalog.products.data import product_sheets, products
from services.catalog.products.domain.sheet import COLUMNS, EXPORTED, MAX_BYTES, NAMES, TEXTS, TIERS
from services.catalog.products.domain.spreadsheet import harmless

if TYPE_CHECKING:
    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


def export_products(tx: Tx, *, page: Page) -> tuple[str, int, str]:
    """Return a sheet that can be imported, byte order mark included in its size, how many rows it has, and the cursor of the next one."""
    rows = product_sheets.page_of_store(tx, tx.principal.require_store, page=page)
    tiers = products.tiers_by_product(tx, [row.id for row in rows])
    lines, size = [_line([NAMES.get(name, name) for name in EXPORTED])], len(codecs.BOM_UTF8)
    for row in rows[: page.limit]:
        values = {name: tiers[row.id] if name == TIERS else getattr(row, name) for name in EXPORTED}
        line = _line([harmless(COLUMNS[name].write(values[name]), is_text=name in TEXTS) for name in EXPORTED])
        size += len(line.encode())
        if size + len(lines[0]) > MAX_BYTES:
            break
        lines.append(line)
    count = len(lines) - 1
    return "".join(lines), count, products.cursor_of(rows[count - 1]).encode(page.scope) if count < len(rows) else ""


def _line(cells: list[str]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
