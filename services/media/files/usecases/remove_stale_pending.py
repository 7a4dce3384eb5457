"""Forget files that were announced and never came, and those that failed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.media.files.data import media

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

PENDING_KEPT = timedelta(days=7)
_BATCH = 1000


def remove_stale_pending(tx: Tx) -> int:
    """Delete pending rows older than seven days and failed ones whose objects went then, a bounded number per run."""
    failed = media.remove_failed(tx, removed_before=tx.now - PENDING_KEPT, limit=_BATCH)
    return failed + media.remove_pending(tx, created_before=tx.now - PENDING_KEPT, limit=_BATCH)
