"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.v1 import (
    notification_service_pb2,
)
from meshkit.messages import set_time

if TYPE_CHECKING:
    from services.identity.notifications.data.notifications import Notification


def notification_message(row: Notification) -> notification_service_pb2.Notification:
    """Return a notification."""
    message = notification_service_pb2.Notification(
        id=str(row.id),
        type=row.type,
        title=row.title,
        message=row.message,
        link=row.link,
    )
    set_time(message.read_at, row.read_at)
    set_time(message.created_at, row.created_at)
    return message
