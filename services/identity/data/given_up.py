"""SQL about flows that nobody goes on with: unanswered rows of the chassis's idempotency keys (decision 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from services.identity.data.tables import metadata

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.tx import Tx

keys = metadata.tables["idempotency_keys"]
# A taken row is leased until its key is long gone: neither its caller nor the resume job goes on with the flow.
_TAKEN = timedelta(days=1)


def take(
    tx: Tx, *, method: str, called_before: datetime, expires_before: datetime, limit: int
) -> Sequence[tuple[uuid.UUID, str]]:
    """Take unanswered flows of a method; returns flow and store ids, those of flows taken before included.

    Taken are released ones that were called for before `called_before`, and abandoned ones whose key ends before
    `expires_before`. A row that its caller is just taking up is left alone.
    """
    found = (
        select(keys.c.flow_id)
        .where(_unanswered(method), or_(_released(called_before), _abandoned(tx, expires_before), _is_taken()))
        .order_by(keys.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(keys)
        .where(_unanswered(method), keys.c.flow_id.in_(found))
        .values(lease_until=keys.c.expires_at + _TAKEN)
        .returning(keys.c.flow_id, keys.c.flow_principal["active_store_id"].astext)
    )
    return [(row[0], row[1]) for row in tx.execute(statement)]


def forget(tx: Tx, *, method: str, flow_id: uuid.UUID) -> None:
    """Give a taken flow's key back; the next call with it is a first one."""
    tx.execute(delete(keys).where(_unanswered(method), keys.c.flow_id == flow_id, _is_taken()))


def _unanswered(method: str) -> ColumnElement[bool]:
    return and_(keys.c.method == method, keys.c.response.is_(None), keys.c.flow_id.is_not(None))


def _released(called_before: datetime) -> ColumnElement[bool]:
    return and_(keys.c.lease_until.is_(None), keys.c.created_at < called_before)


def _abandoned(tx: Tx, expires_before: datetime) -> ColumnElement[bool]:
    return and_(keys.c.lease_until < tx.now, keys.c.expires_at < expires_before)


def _is_taken() -> ColumnElement[Any]:
    return keys.c.lease_until > keys.c.expires_at
