"""Read a mismatch of cash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.cash.data import cash_mismatches

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash_mismatches import Mismatch


def read_mismatch(tx: Tx, *, mismatch_id: uuid.UUID) -> Mismatch:
    """Return a mismatch. Raises NotFound."""
    mismatch = cash_mismatches.find(tx, mismatch_id)
    if mismatch is None:
        raise NotFound
    return mismatch
