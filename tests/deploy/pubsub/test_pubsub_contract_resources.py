"""How topics and subscriptions live, through the unchanged client, on our server and Google's.

The other half of the contract suite, see `test_pubsub_contract`.
"""

from datetime import timedelta

import pytest
from google.api_core import exceptions
from google.protobuf import duration_pb2

from tests.deploy.pubsub.bench import PROJECT, Bench


class TestTopics:
    def test_are_created_listed_and_deleted(self, bench: Bench) -> None:
        bench.publisher.create_topic(name=bench.topic)

        assert bench.publisher.get_topic(topic=bench.topic).name == bench.topic
        assert bench.topic in [one.name for one in bench.publisher.list_topics(project=PROJECT)]

        bench.publisher.delete_topic(topic=bench.topic)
        with pytest.raises(exceptions.NotFound):
            bench.publisher.get_topic(topic=bench.topic)

    def test_refuse_a_taken_name(self, bench: Bench) -> None:
        bench.publisher.create_topic(name=bench.topic)

        with pytest.raises(exceptions.AlreadyExists):
            bench.publisher.create_topic(name=bench.topic)

    @pytest.mark.parametrize("name", ["nonsense", "projects/p/topics/1x", "projects/p/queues/abc"])
    def test_refuse_a_malformed_name(self, bench: Bench, name: str) -> None:
        with pytest.raises(exceptions.InvalidArgument):
            bench.publisher.create_topic(name=name)

    def test_leave_their_subscriptions_behind(self, bench: Bench) -> None:
        bench.create()

        bench.publisher.delete_topic(topic=bench.topic)

        found = bench.subscriber.get_subscription(subscription=bench.subscription)
        assert found.topic == "_deleted-topic_"

    def test_are_listed_in_pages(self, bench: Bench) -> None:
        names = sorted(bench.topic_name(word) for word in ("first", "second", "third"))
        for name in names:
            bench.publisher.create_topic(name=name)

        request = {"project": PROJECT, "page_size": 1}
        listed = [one.name for one in bench.publisher.list_topics(request=request)]

        assert [name for name in listed if name in names] == names


class TestSubscriptions:
    def test_are_created_listed_and_deleted(self, bench: Bench) -> None:
        bench.create()

        listed = bench.subscriber.list_subscriptions(project=PROJECT)
        assert bench.subscription in [one.name for one in listed]
        attached = bench.publisher.list_topic_subscriptions(topic=bench.topic)
        assert list(attached) == [bench.subscription]

        bench.subscriber.delete_subscription(subscription=bench.subscription)
        with pytest.raises(exceptions.NotFound):
            bench.subscriber.get_subscription(subscription=bench.subscription)

    def test_get_the_defaults_of_google(self, bench: Bench) -> None:
        bench.create()

        found = bench.subscriber.get_subscription(subscription=bench.subscription)

        assert found.ack_deadline_seconds == 10
        assert found.message_retention_duration == timedelta(days=7)

    def test_refuse_a_taken_name(self, bench: Bench) -> None:
        bench.create()

        with pytest.raises(exceptions.AlreadyExists):
            bench.subscribe()

    def test_refuse_a_missing_topic(self, bench: Bench) -> None:
        with pytest.raises(exceptions.NotFound):
            bench.subscribe()

    @pytest.mark.parametrize("seconds", [pytest.param(9, marks=pytest.mark.ours_only("takes 9 s")), 601, -1])
    def test_refuse_an_ack_deadline_out_of_range(self, bench: Bench, seconds: int) -> None:
        bench.publisher.create_topic(name=bench.topic)

        with pytest.raises(exceptions.InvalidArgument):
            bench.subscribe(ack_deadline_seconds=seconds)

    @pytest.mark.ours_only("takes any text for a filter")
    def test_refuse_a_bad_filter(self, bench: Bench) -> None:
        bench.publisher.create_topic(name=bench.topic)

        with pytest.raises(exceptions.InvalidArgument):
            bench.subscribe(filter="attributes.kind == 'x'")

    def test_change_by_mask(self, bench: Bench) -> None:
        bench.create()

        bench.subscriber.update_subscription(
            subscription={
                "name": bench.subscription,
                "topic": bench.topic,
                "ack_deadline_seconds": 20,
                "retry_policy": {"minimum_backoff": duration_pb2.Duration(seconds=3)},
            },
            update_mask={"paths": ["ack_deadline_seconds", "retry_policy"]},
        )

        found = bench.subscriber.get_subscription(subscription=bench.subscription)
        assert found.ack_deadline_seconds == 20
        assert found.retry_policy.minimum_backoff == timedelta(seconds=3)

    @pytest.mark.parametrize("path", ["filter", "topic", "enable_message_ordering", "nonsense", "name"])
    def test_refuse_to_change_what_is_fixed(self, bench: Bench, path: str) -> None:
        bench.create(filter="attributes:kind")

        with pytest.raises(exceptions.InvalidArgument):
            bench.subscriber.update_subscription(
                subscription={"name": bench.subscription, "filter": "attributes:other"},
                update_mask={"paths": [path]},
            )

        found = bench.subscriber.get_subscription(subscription=bench.subscription)
        assert found.filter == "attributes:kind"

    @pytest.mark.ours_only("does not implement detaching")
    def test_can_be_detached(self, bench: Bench) -> None:
        bench.create()
        bench.publish(b"dropped")

        bench.publisher.detach_subscription(request={"subscription": bench.subscription})

        assert list(bench.publisher.list_topic_subscriptions(topic=bench.topic)) == []
        with pytest.raises(exceptions.FailedPrecondition):
            bench.pull_nothing()
