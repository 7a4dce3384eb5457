"""Read which intents have cash that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.data import custodies

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def read_open_custody_mismatches(tx: Tx, *, intent_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the open mismatch of each of the intents that has one. Lock these first if it must stay so until commit."""
    return custodies.open_mismatches(tx, intent_ids)
