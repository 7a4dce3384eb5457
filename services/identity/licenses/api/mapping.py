"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.v1 import (
    license_pb2,
)
from meshkit.messages import set_time

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import date

    from services.identity.licenses.domain.license import License, PendingLicense


def license_message(row: License | PendingLicense, urls: Mapping[uuid.UUID, str] | None = None) -> license_pb2.License:
    """Return a licence, with the URL of its document if there is one among `urls`."""
    message = license_pb2.License(
        id=str(row.id),
        store_id=str(row.store_id),
        status=row.status,
        media_id=str(row.media_id),
        issuing_state=row.issuing_state,
        issue_date=_day(row.issue_date),
        expiration_date=_day(row.expiration_date),
        type=row.type,
        number=row.number,
        reason=row.reason,
        signed_url=(urls or {}).get(row.media_id, ""),
    )
    set_time(message.created_at, row.created_at)
    set_time(message.decided_at, row.decided_at)
    return message


def _day(value: date | None) -> str:
    return value.isoformat() if value else ""
