"""One topic with one subscription on a server, and the calls most tests make on them.

Made by the `bench` fixture and by the tests that restart a server.
"""

import time
import uuid
import warnings
from collections.abc import Callable, Sequence

from google.api_core import exceptions
from google.cloud import pubsub_v1  # type: ignore[import-untyped]
from google.pubsub_v1 import PublisherClient as SingleCallPublisher

from tests.deploy.pubsub.servers import Server

PROJECT = "projects/bench"
PULL_S = 2.0
WAIT_S_MAX = 15.0


class Bench:
    """Fresh names on a shared server, so tests do not see each other's messages."""

    def __init__(self, server: Server) -> None:
        """Choose the names; create nothing."""
        self.server = server
        self.publisher = server.publisher
        self.subscriber = server.subscriber
        self._suffix = uuid.uuid4().hex[:12]
        self.topic = self.topic_name("main")
        self.subscription = self.subscription_name("main")

    def topic_name(self, word: str) -> str:
        """Return the name of a topic of this test."""
        return f"{PROJECT}/topics/{word}-{self._suffix}"

    def subscription_name(self, word: str) -> str:
        """Return the name of a subscription of this test."""
        return f"{PROJECT}/subscriptions/{word}-{self._suffix}"

    def snapshot_name(self, word: str) -> str:
        """Return the name of a snapshot of this test."""
        return f"{PROJECT}/snapshots/{word}-{self._suffix}"

    def create(self, **options: object) -> None:
        """Create the topic and its subscription, which gets `options`."""
        self.publisher.create_topic(name=self.topic)
        self.subscribe(**options)

    def subscribe(self, **options: object) -> pubsub_v1.types.Subscription:
        """Create the subscription on the existing topic."""
        request = {"name": self.subscription, "topic": self.topic} | options
        return self.subscriber.create_subscription(request=request)

    def publish(self, *data: bytes, ordering_key: str = "", **attributes: str) -> list[str]:
        """Publish each of `data` as a message; return the ids once all are stored."""
        futures = [self.publisher.publish(self.topic, one, ordering_key=ordering_key, **attributes) for one in data]
        return [future.result(WAIT_S_MAX) for future in futures]

    def publish_at_once(self, *messages: dict[str, object]) -> None:
        """Publish in one call, past the client's batching, which refuses some messages itself."""
        SingleCallPublisher.publish(
            self.publisher,
            topic=self.topic,
            messages=[pubsub_v1.types.PubsubMessage(one) for one in messages],
        )

    def pull(self, *, count: int, subscription: str | None = None) -> list[pubsub_v1.types.ReceivedMessage]:
        """Pull until `count` messages came or it took too long; acknowledge nothing."""
        received: list[pubsub_v1.types.ReceivedMessage] = []
        ends_at = time.monotonic() + WAIT_S_MAX
        while len(received) < count and time.monotonic() < ends_at:
            try:
                response = self.subscriber.pull(
                    subscription=subscription or self.subscription,
                    max_messages=count - len(received),
                    timeout=PULL_S,
                )
            except exceptions.DeadlineExceeded:
                continue
            received += response.received_messages
        assert len(received) == count
        return received

    def pull_nothing(self, *, subscription: str | None = None) -> None:
        """Assert that no message is ready."""
        request = {
            "subscription": subscription or self.subscription,
            "max_messages": 1,
            "return_immediately": True,
        }
        with warnings.catch_warnings():
            # Deprecated for consumers, and the only way to ask without waiting.
            warnings.simplefilter("ignore", DeprecationWarning)
            response = self.subscriber.pull(request=request)
        assert [one.message.data for one in response.received_messages] == []

    def acknowledge(self, received: Sequence[pubsub_v1.types.ReceivedMessage]) -> None:
        """Acknowledge what was pulled."""
        self.subscriber.acknowledge(subscription=self.subscription, ack_ids=[one.ack_id for one in received])

    def refuse(self, received: Sequence[pubsub_v1.types.ReceivedMessage]) -> None:
        """Nack what was pulled."""
        self.subscriber.modify_ack_deadline(
            subscription=self.subscription,
            ack_ids=[one.ack_id for one in received],
            ack_deadline_seconds=0,
        )


def data_of(received: Sequence[pubsub_v1.types.ReceivedMessage]) -> list[bytes]:
    """Return the contents, in the order of arrival."""
    return [one.message.data for one in received]


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once `holds` is true; fail if that takes too long."""
    ends_at = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < ends_at, "the condition never came true"
        time.sleep(0.01)
