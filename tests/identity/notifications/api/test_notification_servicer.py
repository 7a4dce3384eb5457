"""The inbox through the whole chain."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from marketmesh.identity.v1 import notification_service_pb2 as messages
from marketmesh.identity.v1 import notification_service_pb2_grpc as stubs
from services.identity.notifications.domain.notice import Notice
from services.identity.notifications.usecases.notify import notify
from tests.identity.people import People
from tests.support.mesh_harness import MeshHarness, Refused


@pytest.fixture
def inbox(mesh: MeshHarness) -> stubs.NotificationServiceStub:
    return mesh.stub(stubs.NotificationServiceStub, "identity")


def put(mesh: MeshHarness, store_id: uuid.UUID | None, count: int = 1) -> list[str]:
    """Put notifications into an inbox, a second apart; returns their ids, newest first."""
    titles = [uuid.uuid4().hex for _ in range(count)]
    for title in titles:
        mesh.clock.advance(timedelta(seconds=1))
        with mesh.transaction("identity") as tx:
            notice = Notice(
                cause=title,
                store_id=store_id,
                type="order_alert",
                title=title,
                message="m",
                link="/orders/1",
            )
            notify(tx, [notice])
    rows = mesh.rows("identity", "SELECT id, title FROM notifications WHERE title = ANY(:titles)", titles=titles)
    ids = {row.title: str(row.id) for row in rows}
    return [ids[title] for title in reversed(titles)]


def listed(
    mesh: MeshHarness, inbox: stubs.NotificationServiceStub, token: str, *, limit: int = 100, unread_only: bool = False
) -> list[list[messages.Notification]]:
    pages, cursor = [], ""
    while True:
        request = messages.ListNotificationsRequest(limit=limit, cursor=cursor, unread_only=unread_only)
        answer = mesh.read(inbox.ListNotifications, request, token=token)
        pages.append(list(answer.items))
        cursor = answer.next_cursor
        if not cursor:
            return pages


def read(mesh: MeshHarness, inbox: stubs.NotificationServiceStub, token: str, notification_id: str) -> bool:
    request = messages.MarkNotificationReadRequest(notification_id=notification_id)
    answer: messages.MarkNotificationReadResponse = mesh.write(inbox.MarkNotificationRead, request, token=token)
    return answer.read


class TestListNotifications:
    def test_pages_newest_first(self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub) -> None:
        store = people.store()
        ids = put(mesh, store.id, 5)
        put(mesh, people.store().id)

        pages = listed(mesh, inbox, store.token, limit=2)

        assert [[item.id for item in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
        assert messages.NotificationType.Value.Name(pages[0][0].type) == "order_alert"
        assert (pages[0][0].message, pages[0][0].link) == ("m", "/orders/1")

    def test_shows_unread_ones_only_when_asked(
        self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub
    ) -> None:
        store = people.store()
        newest, oldest = put(mesh, store.id, 2)
        read(mesh, inbox, store.token, newest)

        unread = listed(mesh, inbox, store.token, unread_only=True)
        everything = listed(mesh, inbox, store.token)

        assert [item.id for item in unread[0]] == [oldest]
        assert [(item.id, item.HasField("read_at")) for item in everything[0]] == [(newest, True), (oldest, False)]

    def test_keeps_the_administrators_inbox_apart(
        self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub
    ) -> None:
        store = people.store()
        (stores_own,) = put(mesh, store.id)
        (administrators,) = put(mesh, None)

        for_store = [item.id for page in listed(mesh, inbox, store.token) for item in page]
        for_admin = [item.id for page in listed(mesh, inbox, mesh.admin_token()) for item in page]

        assert for_store == [stores_own]
        assert administrators in for_admin
        assert stores_own not in for_admin

    def test_needs_an_active_store(self, mesh: MeshHarness, inbox: stubs.NotificationServiceStub) -> None:
        codes = []
        for token in ("", mesh.agent_token(), mesh.service_token()):
            with pytest.raises(Refused) as refused:
                mesh.call(inbox.ListNotifications, messages.ListNotificationsRequest(), token=token)
            codes.append(refused.value.code)

        assert codes == ["UNAUTHENTICATED"] * 3


class TestMarkNotificationRead:
    def test_keeps_the_first_time(
        self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub
    ) -> None:
        store = people.store()
        (mine,) = put(mesh, store.id)
        first = mesh.clock.now()
        read(mesh, inbox, store.token, mine)
        mesh.clock.advance(timedelta(seconds=5))

        again = read(mesh, inbox, store.token, mine)

        assert again is True
        assert people.inbox(store.id)[0].read_at == first

    def test_answers_a_foreign_one_as_a_missing_one(
        self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub
    ) -> None:
        store, other = people.store(), people.store()
        (foreign,) = put(mesh, other.id)
        (administrators,) = put(mesh, None)

        refusals = []
        for notification_id in (foreign, administrators, str(uuid.uuid4())):
            with pytest.raises(Refused) as refused:
                read(mesh, inbox, store.token, notification_id)
            refusals.append(refused.value)

        assert {refusal.code for refusal in refusals} == {"NOT_FOUND"}
        assert len({refusal.status.SerializeToString() for refusal in refusals}) == 1
        assert people.inbox(other.id)[0].read_at is None


class TestMarkAllNotificationsRead:
    def test_counts_what_was_unread_and_leaves_others_alone(
        self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub
    ) -> None:
        store, other = people.store(), people.store()
        ids = put(mesh, store.id, 3)
        put(mesh, other.id)
        read(mesh, inbox, store.token, ids[1])

        counts = [
            mesh.write(
                inbox.MarkAllNotificationsRead, messages.MarkAllNotificationsReadRequest(), token=store.token
            ).updated
            for _ in range(2)
        ]

        assert counts == [2, 0]
        assert all(row.read_at for row in people.inbox(store.id))
        assert [row.read_at for row in people.inbox(other.id)] == [None]

    def test_replays_the_count(self, mesh: MeshHarness, people: People, inbox: stubs.NotificationServiceStub) -> None:
        store, key = people.store(), uuid.uuid4().hex
        put(mesh, store.id, 2)
        request = messages.MarkAllNotificationsReadRequest()

        counts = [
            mesh.call(inbox.MarkAllNotificationsRead, request, token=store.token, key=key)[0].updated for _ in range(2)
        ]

        assert counts == [2, 2]
