"""Compare our payouts with a bank's file, once per file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.ids import new_id
from meshkit.market_day import market_day, parse_day, start_of
from services.finance.payouts.data import reconciliations
from services.finance.payouts.domain.reconciliation import Difference, Transfer, compare, parse

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payouts.data.reconciliations import DifferenceDocument, Reconciliation

MAX_DAYS = 92


@dataclass(frozen=True)
class BankFile:
    """A file, and the days it is said to be about."""

    name: str
    content: str
    date_from: str
    date_to: str


def reconcile_file(tx: Tx, file: BankFile) -> Reconciliation:
    """Return the report; the same file for the same days of the market answers the same. Raises ValidationError."""
    first, last = parse_day(file.date_from, field="date_from"), parse_day(file.date_to, field="date_to")
    if last > market_day(tx.now):
        raise ValidationError.of("date_to", "is in the future")
    if not first <= last <= first + timedelta(days=MAX_DAYS):
        raise ValidationError.of("date_to", f"must be up to {MAX_DAYS} days after date_from")
    lines = parse(file.content)
    file_hash = hashlib.sha256(f"{first}|{last}|{file.content}".encode()).hexdigest()
    there = reconciliations.by_hash(tx, file_hash)
    if there is not None:
        return there
    rows = reconciliations.transfers(tx, first=start_of(first), end=start_of(last + timedelta(days=1)))
    ours = [Transfer(str(row.id), row.reference, row.amount_cents, row.currency) for row in rows]
    found = compare(lines, ours, first=first, last=last)
    reconciliations.add(
        tx,
        id=new_id(),
        file_hash=file_hash,
        file_name=file.name,
        date_from=first,
        date_to=last,
        lines=len(lines),
        matched=len(lines) - sum(difference.line is not None for difference in found),
        differences=[_document(difference) for difference in found],
    )
    tx.audit(target=file_hash, after={"lines": len(lines), "differences": len(found)})
    report = reconciliations.by_hash(tx, file_hash)
    assert report is not None, "it was just added"
    return report


def _document(difference: Difference) -> DifferenceDocument:
    line, ours = difference.line, difference.ours
    return {
        "kind": difference.kind.value,
        "line": line.number if line else 0,
        "reference": line.reference if line else ours.reference if ours else "",
        "payout_id": ours.payout_id if ours else "",
        "ours_cents": ours.amount_cents if ours else 0,
        "theirs_cents": line.amount_cents if line else 0,
        "our_currency": ours.currency if ours else "",
        "their_currency": line.currency if line else "",
    }
