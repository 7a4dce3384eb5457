"""Bring a store's products in line with a sheet: few statements however many rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from meshkit.ids import new_id
from services.catalog.products.data import product_sheets, products
from services.catalog.products.domain.product import CURRENCY
from services.catalog.products.domain.search import plain_words
from services.catalog.products.domain.sheet import COLUMNS, NAMES, STOCK, THRESHOLD, TIERS
from services.catalog.products.domain.spreadsheet import Value, places_in, readings_of, values_of
from services.catalog.stock.domain.stock import MAX_UNITS, Cause, Level, Movement, MovementKind
from services.catalog.stock.usecases.import_stock import import_stock, lock_stock
from services.catalog.stock.usecases.open_inventory import open_inventory

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.catalog.products.domain.sheet import SheetRow, Values
    from services.catalog.products.usecases.read_sheet import WrittenRow


# In front of what a spreadsheet must not read as a number, time or date.
_AS_TEXT = "'"


@dataclass
class RowChange:
    """What a row changes of its product; `before` None means that it is new."""

    row: SheetRow
    product_id: uuid.UUID
    before: Values | None
    after: Values
    changed: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """What became of the row."""
        if self.row.problems:
            return "rejected"
        return "created" if self.before is None else "updated" if self.changed else "unchanged"


def import_products(tx: Tx, rows: Sequence[WrittenRow]) -> list[RowChange]:
    """Create, change or leave alone the product of each row that can be read; returns these rows.

    Rows that turn out wrong are marked as such; of right ones with the same SKU the first stands. Raises SkuTaken when
    another call creates one of the products meanwhile.
    """
    good = [row for row in rows if not row.problems]
    known = _find_products(
        tx, [sku for row in good for sku in (row.written_sku, row.sku, row.sku.removeprefix(_AS_TEXT))]
    )
    for row in good:
        if row.sku not in known and row.sku.startswith(_AS_TEXT) and readings_of(row.sku.removeprefix(_AS_TEXT)):
            row.sku = row.values["sku"] = row.sku.removeprefix(_AS_TEXT)
            row.is_kept_as_text = True
        # Some old products keep another spelling, because a second product has today's: they are named by their own.
        if row.written_sku in known:
            row.sku = row.values["sku"] = row.written_sku
    _reject_changed_by_spreadsheet(tx, [row for row in good if row.sku not in known])
    changes = [_change_of(row, known.get(row.sku)) for row in good]
    _reject_duplicates(changes)
    movements, levels = _movements(tx, changes)
    done = [each for each in changes if each.outcome in {"created", "updated"}]
    if not done:
        return changes
    _write(tx, done)
    new = [each for each in done if each.before is None]
    open_inventory(tx, [_start(each) for each in new], cause=Cause.IMPORT)
    import_stock(tx, movements, levels=levels)
    for each in new:
        tx.emit(_created(tx, each))
    tx.audit(
        target="import",
        before={each.row.sku: _audited(each.before, each.changed) for each in done if each.before is not None},
        after={each.row.sku: _audited(each.after, each.changed) for each in done},
    )
    return changes


def _reject_duplicates(changes: Sequence[RowChange]) -> None:
    lines: dict[str, int] = {}
    for each in changes:
        if not each.row.problems:
            first = lines.setdefault(each.row.sku, each.row.line)
            if first != each.row.line:
                each.row.reject("sku", f"line {first} has the same SKU")


def _reject_changed_by_spreadsheet(tx: Tx, unknown: Sequence[WrittenRow]) -> None:
    """Reject rows whose SKU is most likely a known one that a spreadsheet has changed, instead of making a twin."""
    suspects = {row.line: values for row in unknown if not row.is_kept_as_text and (values := readings_of(row.sku))}
    if not suspects:
        return
    places = places_in(value for values in suspects.values() for value in values)
    originals: dict[Value, str] = {}
    for sku in product_sheets.skus_like_numbers(tx, store_id=tx.principal.require_store):
        for value in values_of(sku, places=places):
            originals.setdefault(value, sku)
    for row in unknown:
        original = next((originals[value] for value in suspects.get(row.line, ()) if value in originals), None)
        if original is not None:
            row.reject(
                "sku", f"looks like {original}, changed by a spreadsheet; if it is another one, write ' in front of it"
            )


def _find_products(tx: Tx, skus: Sequence[str]) -> dict[str, tuple[uuid.UUID, Values]]:
    rows = product_sheets.lock_by_sku(tx, skus, store_id=tx.principal.require_store)
    tiers = products.tiers_by_product(tx, [row.id for row in rows])
    return {
        row.sku: (
            row.id,
            {name: tiers[row.id] if name == TIERS else getattr(row, name) for name in COLUMNS},
        )
        for row in rows
    }


def _change_of(row: SheetRow, known: tuple[uuid.UUID, Values] | None) -> RowChange:
    if known is None:
        for name, column in COLUMNS.items():
            if column.is_required and name not in row.values:
                row.reject(NAMES.get(name, name), "a new product needs it")
        defaults = {name: column.default for name, column in COLUMNS.items()}
        change = RowChange(row, new_id(), None, defaults | row.values, changed=list(COLUMNS))
    else:
        product_id, before = known
        changed = [name for name, value in row.values.items() if value != before[name]]
        change = RowChange(row, product_id, before, before | row.values, changed)
    if not row.problems and 0 < change.after["max_qty"] < change.after["moq"]:
        row.reject("max_qty", "must be 0 (no limit) or at least moq")
    return change


def _movements(tx: Tx, changes: Sequence[RowChange]) -> tuple[list[Movement], dict[uuid.UUID, tuple[Level, Level]]]:
    """Return how the stock of known products moves, and their levels before and after; it is locked from here on."""
    moving = {
        each.product_id: each
        for each in changes
        if not each.row.problems and each.before is not None and {STOCK, THRESHOLD} & set(each.changed)
    }
    movements, levels = [], {}
    for product_id, row in lock_stock(tx, moving.keys()).items():
        each = moving[product_id]
        available = each.after[STOCK] if STOCK in each.row.values else row.available_qty
        if STOCK in each.row.values and available + row.reserved_qty > MAX_UNITS:
            each.row.reject(STOCK, f"there would be more than {MAX_UNITS} units on the shelf")
            continue
        threshold = each.after[THRESHOLD] if THRESHOLD in each.row.values else row.low_stock_threshold
        quantity = available - row.available_qty
        movements.append(Movement(new_id(), product_id, MovementKind.SET, quantity, threshold))
        levels[product_id] = Level(row.available_qty, row.low_stock_threshold), Level(available, threshold)
    return movements, levels


def _write(tx: Tx, done: Sequence[RowChange]) -> None:
    new = [_described(each) for each in done if each.before is None]
    if new:
        product_sheets.add_all(tx, new, store_id=tx.principal.require_store, currency=CURRENCY)
    described = set(product_sheets.DESCRIPTION)
    changed = [_described(each) for each in done if each.before is not None and described & set(each.changed)]
    if changed:
        product_sheets.change_all(tx, changed)
    tiered = [each for each in done if TIERS in each.changed]
    if tiered:
        tiers = [{"product_id": each.product_id, **vars(tier)} for each in tiered for tier in each.after[TIERS]]
        product_sheets.replace_tiers(tx, [each.product_id for each in tiered], tiers)


def _described(each: RowChange) -> dict[str, object]:
    after = each.after
    words = plain_words(after["title"], after["subtitle"], after["strain"], after["sku"])
    description = {name: after[name] for name in product_sheets.DESCRIPTION}
    return description | {"id": each.product_id, "search_words": words}


def _start(each: RowChange) -> Movement:
    return Movement(new_id(), each.product_id, MovementKind.RECEIVED, each.after[STOCK], each.after[THRESHOLD])


def _created(tx: Tx, each: RowChange) -> events.ProductCreated:
    return events.ProductCreated(
        product_id=str(each.product_id),
        vendor_store_id=str(tx.principal.require_store),
        sku=each.row.sku,
        title=each.after["title"],
    )


def _audited(values: Values, changed: Sequence[str]) -> dict[str, object]:
    # Long texts are in the product; that they changed is enough here.
    return {
        name: "…" if name == "body_html" else COLUMNS[name].write(values[name]) if name == TIERS else values[name]
        for name in changed
    }
