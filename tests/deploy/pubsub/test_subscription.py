"""Leases, deadlines, order and policies of one subscription, with the time given by the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.dev.pubsub import messages
from deploy.dev.pubsub.broker import Broker
from deploy.dev.pubsub.delivery import Delivery
from deploy.dev.pubsub.subscription import Subscription

TOPIC = "projects/p/topics/topic"
GRAVE = "projects/p/topics/grave"
DEADLINE_S = 10


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(database=tmp_path / "journal.sqlite")
    for name in (TOPIC, GRAVE):
        broker.save_topic(topic=messages.Topic(name=name))
    yield broker
    broker.journal.close()


def subscribe(broker: Broker, **options: object) -> Subscription:
    """Return a new subscription on the topic."""
    config = messages.Subscription(
        name=f"projects/p/subscriptions/number-{len(broker.subscriptions)}",
        topic=TOPIC,
        ack_deadline_seconds=DEADLINE_S,
        message_retention_duration={"seconds": 600},
    )
    config.MergeFrom(messages.Subscription(**options))
    return broker.create_subscription(config=config)


def publish(broker: Broker, *data: bytes, key: str = "") -> None:
    """Publish each of `data` under `key`."""
    batch = [messages.PubsubMessage(data=one, ordering_key=key) for one in data]
    broker.publish(topic_name=TOPIC, batch=batch)


def lease(subscription: Subscription, *, now: float = 0.0, count_max: int = 100) -> list[Delivery]:
    """Lease until 10 seconds from `now`."""
    return subscription.lease(count_max=count_max, deadline_s=DEADLINE_S, now=now)


def refuse(subscription: Subscription, delivery: Delivery, *, now: float = 0.0) -> None:
    """Nack a leased delivery."""
    subscription.modify_deadline(ack_ids=[delivery.ack_id or ""], seconds=0, now=now)


def data_of(deliveries: list[Delivery]) -> list[bytes]:
    """Return the contents in order."""
    return [messages.PubsubMessage.FromString(one.message.body).data for one in deliveries]


class TestLease:
    def test_is_exclusive_until_the_deadline(self, broker: Broker) -> None:
        subscription = subscribe(broker)
        publish(broker, b"1")

        assert data_of(lease(subscription)) == [b"1"]

        subscription.expire(now=9.9)
        assert lease(subscription, now=9.9) == []
        subscription.expire(now=10.0)
        assert data_of(lease(subscription, now=10.0)) == [b"1"]

    def test_can_be_extended(self, broker: Broker) -> None:
        subscription = subscribe(broker)
        publish(broker, b"1")
        (delivery,) = lease(subscription)

        assert delivery.ack_id is not None
        subscription.modify_deadline(ack_ids=[delivery.ack_id], seconds=60, now=5.0)

        subscription.expire(now=64.9)
        assert lease(subscription, now=64.9) == []
        subscription.expire(now=65.0)
        assert data_of(lease(subscription, now=65.0)) == [b"1"]

    def test_refuses_the_ack_id_of_an_expired_one(self, broker: Broker) -> None:
        subscription = subscribe(broker)
        publish(broker, b"1")
        stale_id = lease(subscription)[0].ack_id or ""
        subscription.expire(now=10.0)

        assert subscription.acknowledge(ack_ids=[stale_id]) == [stale_id]
        assert data_of(lease(subscription, now=10.0)) == [b"1"]

    def test_stops_at_the_bytes_allowed(self, broker: Broker) -> None:
        subscription = subscribe(broker)
        publish(broker, b"x" * 100, b"y" * 100)

        taken = subscription.lease(count_max=10, deadline_s=DEADLINE_S, now=0.0, bytes_max=50)

        assert data_of(taken) == [b"x" * 100]


class TestOrdering:
    def test_batches_consecutive_messages_of_a_key(self, broker: Broker) -> None:
        subscription = subscribe(broker, enable_message_ordering=True)
        publish(broker, b"1", b"2", b"3", key="k")

        assert data_of(lease(subscription, count_max=2)) == [b"1", b"2"]
        assert lease(subscription) == []

    def test_goes_on_once_everything_handed_out_is_settled(self, broker: Broker) -> None:
        subscription = subscribe(broker, enable_message_ordering=True)
        publish(broker, b"1", b"2", b"3", key="k")
        ack_ids = [one.ack_id or "" for one in lease(subscription, count_max=2)]

        subscription.acknowledge(ack_ids=ack_ids[1:])
        assert lease(subscription) == []
        subscription.acknowledge(ack_ids=ack_ids[:1])

        assert data_of(lease(subscription)) == [b"3"]

    def test_takes_later_messages_back_when_one_is_refused(self, broker: Broker) -> None:
        subscription = subscribe(broker, enable_message_ordering=True)
        publish(broker, b"1", b"2", b"3", b"4", key="k")
        first, second, third = lease(subscription, count_max=3)
        later_id, first_id = third.ack_id or "", first.ack_id or ""

        refuse(subscription, second)

        assert subscription.acknowledge(ack_ids=[later_id]) == [later_id]
        assert lease(subscription) == []
        subscription.acknowledge(ack_ids=[first_id])
        assert data_of(lease(subscription)) == [b"2", b"3", b"4"]

    def test_survives_refusals_from_the_last_to_the_first(self, broker: Broker) -> None:
        subscription = subscribe(broker, enable_message_ordering=True)
        publish(broker, b"1", b"2", b"3", key="k")

        for delivery in reversed(lease(subscription)):
            refuse(subscription, delivery)

        assert data_of(lease(subscription)) == [b"1", b"2", b"3"]

    def test_counts_only_the_refused_message_as_failed(self, broker: Broker) -> None:
        subscription = subscribe(broker, enable_message_ordering=True)
        publish(broker, b"1", b"2", key="k")

        refuse(subscription, lease(subscription)[0])

        assert [one.failure_count for one in lease(subscription)] == [1, 0]

    def test_ignores_keys_unless_enabled(self, broker: Broker) -> None:
        subscription = subscribe(broker)
        publish(broker, b"1", b"2", key="k")

        assert data_of(lease(subscription, count_max=1)) == [b"1"]
        assert data_of(lease(subscription, count_max=1)) == [b"2"]

    def test_delays_the_whole_key_by_the_retry_policy(self, broker: Broker) -> None:
        policy = {"minimum_backoff": {"seconds": 2}}
        subscription = subscribe(broker, enable_message_ordering=True, retry_policy=policy)
        publish(broker, b"1", b"2", key="k")
        publish(broker, b"other", key="other")
        refuse(subscription, lease(subscription, count_max=2)[0])

        assert data_of(lease(subscription, now=1.9)) == [b"other"]
        assert data_of(lease(subscription, now=2.0)) == [b"1", b"2"]


class TestRetryPolicy:
    def test_doubles_the_delay_up_to_the_maximum(self, broker: Broker) -> None:
        policy = {"minimum_backoff": {"seconds": 2}, "maximum_backoff": {"seconds": 5}}
        subscription = subscribe(broker, retry_policy=policy)
        publish(broker, b"1")
        now = 0.0

        for delay_s in (2.0, 4.0, 5.0, 5.0):
            (delivery,) = lease(subscription, now=now)
            refuse(subscription, delivery, now=now)
            assert lease(subscription, now=now + delay_s - 0.1) == []
            now += delay_s

        assert data_of(lease(subscription, now=now)) == [b"1"]

    def test_defaults_to_ten_seconds_when_empty(self, broker: Broker) -> None:
        subscription = subscribe(broker, retry_policy={})
        publish(broker, b"1")
        refuse(subscription, lease(subscription)[0])

        assert lease(subscription, now=9.9) == []
        assert data_of(lease(subscription, now=10.0)) == [b"1"]


class TestDeadLetterPolicy:
    def test_frees_the_key_of_a_poisonous_message(self, broker: Broker) -> None:
        subscription = subscribe(
            broker,
            enable_message_ordering=True,
            dead_letter_policy={"dead_letter_topic": GRAVE, "max_delivery_attempts": 5},
        )
        mourner = subscribe(broker, topic=GRAVE)
        publish(broker, b"poison", b"good", key="k")

        for _ in range(5):
            refuse(subscription, lease(subscription, count_max=1)[0])

        assert data_of(lease(subscription)) == [b"good"]
        (dead,) = lease(mourner)
        assert messages.PubsubMessage.FromString(dead.message.body).ordering_key == "k"

    def test_keeps_trying_while_the_topic_is_gone(self, broker: Broker) -> None:
        subscription = subscribe(broker, dead_letter_policy={"dead_letter_topic": GRAVE})
        broker.delete_topic(name=GRAVE)
        publish(broker, b"poison")

        for _ in range(6):
            refuse(subscription, lease(subscription)[0])

        assert data_of(lease(subscription)) == [b"poison"]


class TestTrim:
    def test_drops_what_is_older_than_the_retention(self, broker: Broker) -> None:
        subscription = subscribe(broker, retain_acked_messages=True)
        publish(broker, b"acknowledged", b"waiting")
        subscription.acknowledge(ack_ids=[lease(subscription, count_max=1)[0].ack_id or ""])
        published_ns = subscription.unacked_messages()[0].publish_time_ns

        subscription.trim(now_ns=published_ns + 601 * 1_000_000_000)
        subscription.trim(now_ns=published_ns + 601 * 1_000_000_000)
        subscription.seek_to_time(time_ns=0)

        assert lease(subscription) == []
        assert list(broker.journal.holdings()) == []
