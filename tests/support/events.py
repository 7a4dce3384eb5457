"""What tests of the event path share: a topic, its subscription, and how to emit and look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.call import Call

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Transactions
    from meshkit.events.bus import Bus
    from meshkit.events.registry import Consumer

TOPIC = "identity.user.v1"
STORES = "identity.store.v1"


def subscribe(bus: Bus, consumer: Consumer, *, attempts: int = 50) -> None:
    """Make a consumer's subscription, with pauses that tests can wait for."""
    bus.publisher.create_topic(request={"name": bus.topic_path("dead")})
    bus.subscriber.create_subscription(
        request={
            "name": bus.subscription_path(consumer.subscription),
            "topic": bus.topic_path(consumer.topic),
            "enable_message_ordering": True,
            "ack_deadline_seconds": 30,
            "retry_policy": {"minimum_backoff": {"nanos": 1_000_000}, "maximum_backoff": {"nanos": 2_000_000}},
            "dead_letter_policy": {"dead_letter_topic": bus.topic_path("dead"), "max_delivery_attempts": attempts},
        }
    )


def emit(transactions: Transactions, *user_ids: str) -> None:
    """Commit an event for each of the users."""
    with transactions.write(Call(request_id="r-1", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")) as tx:
        for user_id in user_ids:
            tx.emit(events.AgentCreated(user_id=user_id))


def emit_all(transactions: Transactions, *messages: Message) -> None:
    """Commit events of any kind."""
    with transactions.write(Call()) as tx:
        for message in messages:
            tx.emit(message)


def rows(transactions: Transactions, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with transactions.read(Call()) as tx:
        return [tuple(row) for row in tx.execute(text(sql))]
