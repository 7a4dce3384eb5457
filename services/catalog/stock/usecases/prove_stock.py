"""Prove that no unit was lost or sold twice. Run by tests, the chaos suite and operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import stock_proof

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.catalog.stock.data.stock_proof import Disagreement

_MAX = 100


def prove_stock(tx: Tx) -> list[str]:
    """Return what is wrong, at most a hundred findings of each kind; an empty list is the proof.

    Per product: received is the sum of its movements, reserved and consumed are the sums of its lines, available is what
    is left of that, and nothing is negative. No line holds stock that does not exist.
    """
    violations = [finding for row in stock_proof.disagreeing(tx, limit=_MAX) for finding in _findings(row)]
    violations += [f"line {line_id}: holds stock of no product" for line_id in stock_proof.unstocked(tx, limit=_MAX)]
    return violations


def _findings(row: Disagreement) -> list[str]:
    total = row.available_qty + row.reserved_qty + row.consumed_qty
    checks = (
        (total == row.received_qty, f"available + reserved + consumed = {total}, received = {row.received_qty}"),
        (
            row.received_qty == row.movements_received,
            f"received = {row.received_qty}, its movements = {row.movements_received}",
        ),
        (row.reserved_qty == row.lines_reserved, f"reserved = {row.reserved_qty}, its lines = {row.lines_reserved}"),
        (row.consumed_qty == row.lines_consumed, f"consumed = {row.consumed_qty}, its lines = {row.lines_consumed}"),
        (min(row.available_qty, row.reserved_qty, row.consumed_qty) >= 0, "a quantity is negative"),
    )
    return [f"product {row.product_id}: {text}" for holds, text in checks if not holds]
