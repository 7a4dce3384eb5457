"""What a killed server still knows after a restart."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core import exceptions

from tests.deploy.pubsub.bench import Bench, data_of
from tests.deploy.pubsub.servers import Server, start_ours

Restart = Callable[[Bench], None]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def bench(database: Path) -> Iterator[Bench]:
    """Return a bench on a server that the test may replace."""
    bench = Bench(start_ours(database=database))
    yield bench
    bench.server.kill()


@pytest.fixture
def kill_and_restart(database: Path) -> Restart:
    """Return a function that kills the bench's server -9 and starts another on its file."""

    def restart(bench: Bench) -> None:
        bench.server.kill()
        server: Server = start_ours(database=database)
        bench.server, bench.publisher, bench.subscriber = (
            server,
            server.publisher,
            server.subscriber,
        )

    return restart


class TestKilledServer:
    def test_gives_exactly_the_unacknowledged_messages_again(self, bench: Bench, kill_and_restart: Restart) -> None:
        bench.create()
        published = bench.publish(*(b"%d" % number for number in range(100)))
        done = bench.pull(count=40)
        bench.acknowledge(done)

        kill_and_restart(bench)

        left = bench.pull(count=60)
        assert sorted(one.message.message_id for one in (*done, *left)) == sorted(published)
        bench.pull_nothing()

    def test_keeps_the_order_of_keys(self, bench: Bench, kill_and_restart: Restart) -> None:
        bench.create(enable_message_ordering=True)
        bench.publish(b"1", b"2", b"3", ordering_key="key")
        bench.acknowledge(bench.pull(count=1))
        bench.pull(count=1)

        kill_and_restart(bench)

        bench.publish(b"4", ordering_key="key")
        assert data_of(bench.pull(count=3)) == [b"2", b"3", b"4"]

    def test_keeps_configurations_and_deletions(self, bench: Bench, kill_and_restart: Restart) -> None:
        bench.create(filter="attributes:kind", ack_deadline_seconds=33)
        doomed = bench.topic_name("doomed")
        bench.publisher.create_topic(name=doomed)
        bench.publisher.delete_topic(topic=doomed)
        before = bench.subscriber.get_subscription(subscription=bench.subscription)

        kill_and_restart(bench)

        assert bench.subscriber.get_subscription(subscription=bench.subscription) == before
        with pytest.raises(exceptions.NotFound):
            bench.publisher.get_topic(topic=doomed)
        bench.publish(b"filtered")
        bench.pull_nothing()

    def test_keeps_retained_messages_and_snapshots(self, bench: Bench, kill_and_restart: Restart) -> None:
        started_at = datetime.now(UTC) - timedelta(seconds=1)
        bench.create(retain_acked_messages=True)
        bench.publish(b"first")
        bench.acknowledge(bench.pull(count=1))
        bench.publish(b"second")
        snapshot = bench.snapshot_name("shot")
        bench.subscriber.create_snapshot(name=snapshot, subscription=bench.subscription)
        bench.acknowledge(bench.pull(count=1))

        kill_and_restart(bench)

        bench.pull_nothing()
        bench.subscriber.seek(request={"subscription": bench.subscription, "snapshot": snapshot})
        assert data_of(bench.pull(count=1)) == [b"second"]
        bench.subscriber.seek(request={"subscription": bench.subscription, "time": started_at})
        assert data_of(bench.pull(count=2)) == [b"first", b"second"]

    def test_refuses_ack_ids_from_before(self, bench: Bench, kill_and_restart: Restart) -> None:
        bench.create()
        bench.publish(b"kept")
        stale = bench.pull(count=1)

        kill_and_restart(bench)
        bench.pull(count=1)
        bench.acknowledge(stale)
        kill_and_restart(bench)

        assert data_of(bench.pull(count=1)) == [b"kept"]
