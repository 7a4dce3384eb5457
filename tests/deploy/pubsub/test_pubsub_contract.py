"""How messages must flow, through the unchanged client, on our server and on Google's emulator.

A case that Google's emulator is known to get wrong is marked with the reason. The life of topics
and subscriptions is in `test_pubsub_contract_resources`.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1  # type: ignore[import-untyped]
from google.protobuf import duration_pb2

from tests.deploy.pubsub.bench import WAIT_S_MAX, Bench, data_of, wait_until


class TestPublish:
    def test_reaches_every_subscription(self, bench: Bench) -> None:
        bench.create()
        other = bench.subscription_name("other")
        bench.subscriber.create_subscription(name=other, topic=bench.topic)

        (message_id,) = bench.publish(b"hello", kind="greeting")

        for name in (bench.subscription, other):
            (received,) = bench.pull(count=1, subscription=name)
            assert received.message.message_id == message_id
            assert received.message.data == b"hello"
            assert dict(received.message.attributes) == {"kind": "greeting"}
            assert received.message.publish_time

    def test_refuses_an_empty_message(self, bench: Bench) -> None:
        bench.create()

        with pytest.raises(exceptions.InvalidArgument):
            bench.publish_at_once({"ordering_key": "key"})

        bench.pull_nothing()

    def test_refuses_a_missing_topic(self, bench: Bench) -> None:
        with pytest.raises(exceptions.NotFound):
            bench.publish_at_once({"data": b"lost"})

    @pytest.mark.ours_only("has no limit on attributes")
    def test_refuses_an_attribute_that_is_too_long(self, bench: Bench) -> None:
        bench.create()

        with pytest.raises(exceptions.InvalidArgument):
            bench.publish_at_once({"attributes": {"key": "v" * 1_025}})


class TestPull:
    def test_gives_each_message_once_if_acknowledged(self, bench: Bench) -> None:
        bench.create()
        message_ids = bench.publish(*(b"%d" % number for number in range(5)))

        received = bench.pull(count=5)
        bench.acknowledge(received)

        assert sorted(one.message.message_id for one in received) == sorted(message_ids)
        bench.pull_nothing()

    def test_waits_for_a_message(self, bench: Bench) -> None:
        bench.create()
        publishing = threading.Timer(0.3, bench.publish, [b"late"])

        publishing.start()
        received = bench.pull(count=1)

        publishing.join()
        assert data_of(received) == [b"late"]

    def test_gives_a_refused_message_again(self, bench: Bench) -> None:
        bench.create()
        bench.publish(b"again")

        bench.refuse(bench.pull(count=1))

        assert data_of(bench.pull(count=1)) == [b"again"]

    def test_gives_a_message_again_after_its_deadline(self, bench: Bench) -> None:
        bench.create()
        bench.publish(b"again")
        (first,) = bench.pull(count=1)
        bench.subscriber.modify_ack_deadline(
            subscription=bench.subscription, ack_ids=[first.ack_id], ack_deadline_seconds=1
        )
        bench.pull_nothing()

        (second,) = bench.pull(count=1)

        assert second.message.message_id == first.message.message_id
        assert second.ack_id != first.ack_id

    def test_refuses_a_missing_subscription(self, bench: Bench) -> None:
        with pytest.raises(exceptions.NotFound):
            bench.pull_nothing()

    def test_refuses_to_pull_no_messages(self, bench: Bench) -> None:
        bench.create()

        with pytest.raises(exceptions.InvalidArgument):
            bench.subscriber.pull(subscription=bench.subscription, max_messages=0)


class TestStreamingPull:
    def test_delivers_everything_to_a_callback(self, bench: Bench) -> None:
        bench.create()
        expected = {b"%d" % number for number in range(300)}

        seen = _consume(bench, until=lambda seen: set(seen) == expected, publish=sorted(expected))

        assert set(seen) == expected

    def test_delivers_a_refused_message_again(self, bench: Bench) -> None:
        bench.create()

        seen = _consume(bench, until=lambda seen: len(seen) == 2, publish=[b"x"], refuse=frozenset({b"x"}))

        assert seen == [b"x", b"x"]

    def test_confirms_acks_of_exactly_once_subscriptions(self, bench: Bench) -> None:
        bench.create(enable_exactly_once_delivery=True)
        outcomes: list[object] = []

        def acknowledge(message: pubsub_v1.subscriber.message.Message) -> None:
            message.ack_with_response().add_done_callback(lambda future: outcomes.append(future.result()))

        pulling = bench.subscriber.subscribe(bench.subscription, callback=acknowledge)
        bench.publish(b"once")
        wait_until(lambda: len(outcomes) == 1)
        pulling.cancel()
        pulling.result(WAIT_S_MAX)

        assert outcomes == [pubsub_v1.subscriber.exceptions.AcknowledgeStatus.SUCCESS]

    def test_tells_exactly_once_consumers_that_a_lease_is_over(self, bench: Bench) -> None:
        bench.create(enable_exactly_once_delivery=True)
        outcomes: list[object] = []

        def acknowledge_too_late(message: pubsub_v1.subscriber.message.Message) -> None:
            bench.subscriber.modify_ack_deadline(
                subscription=bench.subscription, ack_ids=[message.ack_id], ack_deadline_seconds=0
            )
            message.ack_with_response().add_done_callback(lambda future: outcomes.append(future.exception().error_code))

        pulling = bench.subscriber.subscribe(bench.subscription, callback=acknowledge_too_late)
        bench.publish(b"once")
        wait_until(lambda: bool(outcomes))
        pulling.cancel()
        pulling.result(WAIT_S_MAX)

        assert outcomes[0] == pubsub_v1.subscriber.exceptions.AcknowledgeStatus.INVALID_ACK_ID

    def test_ends_when_the_subscription_is_deleted(self, bench: Bench) -> None:
        bench.create()
        pulling = bench.subscriber.subscribe(bench.subscription, callback=lambda _message: None)

        bench.subscriber.delete_subscription(subscription=bench.subscription)

        with pytest.raises(exceptions.NotFound):
            pulling.result(WAIT_S_MAX)


class TestOrderingKeys:
    def test_keep_the_order_of_each_key(self, bench: Bench) -> None:
        bench.create(enable_message_ordering=True)
        expected = {key: [b"%d" % number for number in range(20)] for key in ("a", "b")}
        for key, data in expected.items():
            bench.publish(*data, ordering_key=key)

        seen: dict[str, list[bytes]] = {"a": [], "b": []}
        while sum(map(len, seen.values())) < 40:
            (received,) = bench.pull(count=1)
            seen[received.message.ordering_key].append(received.message.data)
            bench.acknowledge([received])

        assert seen == expected

    @pytest.mark.ours_only("gives out the later messages of the key first")
    def test_give_everything_after_a_refused_message_again(self, bench: Bench) -> None:
        bench.create(enable_message_ordering=True)
        bench.publish(b"1", b"2", b"3", b"4", ordering_key="key")
        received = bench.pull(count=3)
        assert data_of(received) == [b"1", b"2", b"3"]

        bench.refuse(received[1:2])
        bench.pull_nothing()
        bench.acknowledge(received[:1])

        assert data_of(bench.pull(count=3)) == [b"2", b"3", b"4"]

    def test_hold_back_what_follows_an_outstanding_message(self, bench: Bench) -> None:
        bench.create(enable_message_ordering=True)
        bench.publish(b"1", b"2", ordering_key="key")
        bench.publish(b"other", ordering_key="other")

        first = bench.pull(count=1)

        assert data_of(first) == [b"1"]
        assert data_of(bench.pull(count=1)) == [b"other"]
        bench.pull_nothing()
        bench.acknowledge(first)
        assert data_of(bench.pull(count=1)) == [b"2"]


class TestFilters:
    @pytest.mark.ours_only("ignores filters and delivers everything")
    def test_let_only_matching_messages_through(self, bench: Bench) -> None:
        bench.create(filter='attributes.kind = "a" OR hasPrefix(attributes.kind, "b")')
        for kind in ("a", "c", "bb"):
            bench.publish(kind.encode(), kind=kind)

        assert data_of(bench.pull(count=2)) == [b"a", b"bb"]
        bench.pull_nothing()


class TestRetryPolicy:
    @pytest.mark.ours_only("does not delay the first retry")
    def test_delays_a_refused_message(self, bench: Bench) -> None:
        bench.create(retry_policy={"minimum_backoff": duration_pb2.Duration(seconds=1)})
        bench.publish(b"later")

        bench.refuse(bench.pull(count=1))

        bench.pull_nothing()
        assert data_of(bench.pull(count=1)) == [b"later"]


class TestDeadLetterPolicy:
    def test_moves_a_message_after_its_last_attempt(self, bench: Bench) -> None:
        grave, mourner = bench.topic_name("grave"), bench.subscription_name("mourner")
        bench.publisher.create_topic(name=grave)
        bench.subscriber.create_subscription(name=mourner, topic=grave)
        bench.create(dead_letter_policy={"dead_letter_topic": grave, "max_delivery_attempts": 5})
        bench.publish(b"poison", kind="bad")

        attempts = []
        for _ in range(5):
            (received,) = bench.pull(count=1)
            attempts.append(received.delivery_attempt)
            bench.refuse([received])

        bench.pull_nothing()
        (dead,) = bench.pull(count=1, subscription=mourner)
        assert attempts == [1, 2, 3, 4, 5]
        assert dead.message.data == b"poison"
        attributes = dict(dead.message.attributes)
        assert attributes["kind"] == "bad"
        assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
        assert attributes["CloudPubSubDeadLetterSourceSubscription"] in bench.subscription
        assert attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == "bench"
        assert attributes["CloudPubSubDeadLetterSourceTopicPublishTime"]

    def test_refuses_a_missing_topic(self, bench: Bench) -> None:
        bench.publisher.create_topic(name=bench.topic)

        with pytest.raises(exceptions.NotFound):
            bench.subscribe(dead_letter_policy={"dead_letter_topic": bench.topic_name("grave")})


class TestSeek:
    def test_forward_acknowledges_what_was_published(self, bench: Bench) -> None:
        bench.create()
        bench.publish(b"old")

        _seek_to_time(bench, datetime.now(UTC) + timedelta(seconds=1))

        bench.pull_nothing()

    def test_back_replays_retained_messages(self, bench: Bench) -> None:
        started_at = datetime.now(UTC) - timedelta(seconds=1)
        bench.create(retain_acked_messages=True)
        bench.publish(b"replayed")
        bench.acknowledge(bench.pull(count=1))

        _seek_to_time(bench, started_at)

        assert data_of(bench.pull(count=1)) == [b"replayed"]

    def test_back_finds_nothing_that_was_not_retained(self, bench: Bench) -> None:
        started_at = datetime.now(UTC) - timedelta(seconds=1)
        bench.create()
        bench.publish(b"gone")
        bench.acknowledge(bench.pull(count=1))

        _seek_to_time(bench, started_at)

        bench.pull_nothing()

    def test_to_a_snapshot_restores_what_was_unacknowledged(self, bench: Bench) -> None:
        bench.create()
        bench.publish(b"before")
        snapshot = bench.snapshot_name("shot")
        bench.subscriber.create_snapshot(name=snapshot, subscription=bench.subscription)
        bench.publish(b"after")
        bench.acknowledge(bench.pull(count=2))
        bench.pull_nothing()

        bench.subscriber.seek(request={"subscription": bench.subscription, "snapshot": snapshot})

        assert sorted(data_of(bench.pull(count=2))) == [b"after", b"before"]
        bench.subscriber.delete_snapshot(snapshot=snapshot)
        with pytest.raises(exceptions.NotFound):
            bench.subscriber.delete_snapshot(snapshot=snapshot)


def _seek_to_time(bench: Bench, time: datetime) -> None:
    bench.subscriber.seek(request={"subscription": bench.subscription, "time": time})


def _consume(
    bench: Bench,
    *,
    until: Callable[[list[bytes]], bool],
    publish: list[bytes],
    refuse: frozenset[bytes] = frozenset(),
) -> list[bytes]:
    """Stream until `until` holds for what came; refuse the first delivery of each of `refuse`."""
    seen: list[bytes] = []

    def handle(message: pubsub_v1.subscriber.message.Message) -> None:
        first = message.data not in seen
        seen.append(message.data)
        if first and message.data in refuse:
            message.nack()
        else:
            message.ack()

    pulling = bench.subscriber.subscribe(bench.subscription, callback=handle)
    bench.publish(*publish)
    wait_until(lambda: until(seen))
    pulling.cancel()
    pulling.result(WAIT_S_MAX)
    return seen
