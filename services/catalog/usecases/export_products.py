"""Write a store's products as a sheet."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING, Any

from meshkit.cursor import Page
from services.catalog.data import product_sheets, products
from services.catalog.domain.sheet import COLUMNS, EXPORTED, MAX_BYTES, MAX_ROWS, NAMES, TEXTS, TIERS
from services.catalog.domain.spreadsheet import harmless

if TYPE_CHECKING:
    import uuid

    from meshkit.cursor import Cursor
    from meshkit.db.tx import Tx


def export_products(tx: Tx, *, after: Cursor | None) -> tuple[str, int, str]:
    """Return a sheet that can be imported, byte order mark included in its size, how many rows it has, and the cursor of the next one."""
    page = Page(limit=MAX_ROWS, after=after)
    rows = product_sheets.page_of_store(tx, tx.principal.require_store, page=page)
    tiers: dict[uuid.UUID, list[Any]] = {row.id: [] for row in rows}
    for tier in products.tiers_of(tx, list(tiers)) if rows else ():
        tiers[tier.product_id].append(tier)
    lines, size = [_line([NAMES.get(name, name) for name in EXPORTED])], len(codecs.BOM_UTF8)
    for row in rows[:MAX_ROWS]:
        values = {name: tiers[row.id] if name == TIERS else getattr(row, name) for name in EXPORTED}
        line = _line([harmless(COLUMNS[name].write(values[name]), is_text=name in TEXTS) for name in EXPORTED])
        size += len(line.encode())
        if size + len(lines[0]) > MAX_BYTES:
            break
        lines.append(line)
    count = len(lines) - 1
    return "".join(lines), count, products.cursor_of(rows[count - 1]).encode() if count < len(rows) else ""


def _line(cells: list[str]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
