"""Recompute from the postings that every payment intent says what was posted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.data import proofs

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payments.data.proofs import WronglyPostedSubject


def prove_payments(tx: Tx) -> list[str]:
    """Return every intent that is not what is posted of its subject, as text."""
    problems = [
        f"{row.subject_kind} {row.subject_id} is delivered and nothing is due, its payment is {row.status}"
        for row in proofs.unsettled_though_nothing_is_due(tx)
    ]
    for row in proofs.wrongly_posted_subjects(tx):
        problems += _differences(row)
    return problems


def _differences(row: WronglyPostedSubject) -> list[str]:
    compared = (
        ("collected", row.collected, row.collected_expected),
        ("paid out", row.paid_out, row.paid_out_expected),
        ("of fees posted", row.fees, row.fees_expected),
        ("refunded", row.refunded, row.refunded_expected),
        ("credited", row.credited, row.credited_expected),
    )
    return [
        f"{row.subject_kind} {row.subject_id}: {posted} {what}, {expected} expected"
        for what, posted, expected in compared
        if posted != expected
    ]
