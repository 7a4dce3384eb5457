"""Which tokens count no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.identity.sessions.data import sessions

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.sessions.data.sessions import RevokedSession

# Access tokens live 15 minutes at most; older revocations cannot matter.
WINDOW = timedelta(minutes=20)


def revoked_sessions(tx: Tx) -> list[RevokedSession]:
    """Return the sessions whose tokens stopped counting so lately that some of them would not have expired yet."""
    return sessions.revoked_since(tx, tx.now - WINDOW)
