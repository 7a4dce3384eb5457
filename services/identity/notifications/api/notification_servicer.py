"""NotificationService: the inbox of the caller's store, or of the administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.v1 import notification_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.errors import Forbidden
from meshkit.ids import parse_id
from meshkit.principal import Audience
from services.identity.notifications.api import mapping
from services.identity.notifications.usecases.list_notifications import list_notifications
from services.identity.notifications.usecases.mark_notification_read import (
    mark_all_notifications_read,
    mark_notification_read,
)

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


class NotificationServicer:
    """Translates; the rules are in the use cases."""

    def ListNotifications(
        self, request: messages.ListNotificationsRequest, tx: Tx
    ) -> messages.ListNotificationsResponse:
        page = Page.of(request)
        rows, following = list_notifications(tx, store_id=_recipient(tx), page=page, unread_only=request.unread_only)
        return messages.ListNotificationsResponse(
            items=[mapping.notification_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def MarkNotificationRead(
        self, request: messages.MarkNotificationReadRequest, tx: Tx
    ) -> messages.MarkNotificationReadResponse:
        notification_id = parse_id(request.notification_id, field="notification_id")
        mark_notification_read(tx, store_id=_recipient(tx), notification_id=notification_id)
        return messages.MarkNotificationReadResponse(read=True)

    def MarkAllNotificationsRead(
        self,
        request: messages.MarkAllNotificationsReadRequest,  # noqa: ARG002
        tx: Tx,
    ) -> messages.MarkAllNotificationsReadResponse:
        return messages.MarkAllNotificationsReadResponse(
            updated=mark_all_notifications_read(tx, store_id=_recipient(tx))
        )


def _recipient(tx: Tx) -> uuid.UUID | None:
    if tx.principal.audience is Audience.ADMIN:
        return None
    if tx.principal.store_id is None:
        raise Forbidden("An active store is needed.", needs="active store")
    return tx.principal.store_id
