"""Prove all that finance keeps: the ledger, payments, payouts and cash custody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.usecases.prove_custody import prove_custody
from services.finance.ledger.usecases.prove_ledger import prove_ledger
from services.finance.payments.usecases.prove_payments import prove_payments
from services.finance.payouts.usecases.prove_payouts import prove_payouts

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def prove_money(tx: Tx) -> list[str]:
    """Return every violation of finance's invariants, as text."""
    return [*prove_ledger(tx), *prove_payouts(tx), *prove_payments(tx), *prove_custody(tx)]
