"""The process: how it stops, and how it takes what no client would send."""

import itertools
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.cloud import pubsub_v1  # type: ignore[import-untyped]

from tests.deploy.pubsub.bench import Bench, data_of
from tests.deploy.pubsub.servers import start_ours

METHODS = [
    "Publisher/Publish",
    "Publisher/CreateTopic",
    "Subscriber/CreateSubscription",
    "Subscriber/Pull",
    "Subscriber/Acknowledge",
    "Subscriber/Seek",
]
GARBAGE = [b"", b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x00" * 64, bytes(range(256))]

STREAM_WITH_BAD_DEADLINE = pubsub_v1.types.StreamingPullRequest.serialize(
    pubsub_v1.types.StreamingPullRequest(subscription="projects/p/subscriptions/any", stream_ack_deadline_seconds=1)
)


class TestServer:
    def test_stops_within_a_second_while_calls_wait(self, tmp_path: Path) -> None:
        bench = Bench(start_ours(database=tmp_path / "journal.sqlite"))
        bench.create()
        request = pubsub_v1.types.PullRequest(subscription=bench.subscription, max_messages=1)
        with grpc.insecure_channel(bench.server.address) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/google.pubsub.v1.Subscriber/Pull")
            pulling = call.future(pubsub_v1.types.PullRequest.serialize(request), timeout=30.0)

            took_s = bench.server.terminate()

            assert isinstance(pulling.exception(), grpc.RpcError)
        bench.server.kill()
        assert bench.server.process.returncode == 0
        assert took_s < 1.0

    def test_refuses_a_file_that_another_server_uses(self, tmp_path: Path) -> None:
        server = start_ours(database=tmp_path / "journal.sqlite")
        command = [sys.executable, "-m", "deploy.dev.pubsub", "--port", "0", "--database"]

        second = subprocess.run(  # noqa: S603 - our own command line
            [*command, str(tmp_path / "journal.sqlite")],
            capture_output=True,
            check=False,
            timeout=20,
        )

        server.kill()
        assert second.returncode != 0
        assert b"database is locked" in second.stderr

    @pytest.mark.parametrize(("method", "request_bytes"), [*itertools.product(METHODS, GARBAGE)])
    def test_answers_garbage_with_an_error_and_goes_on(
        self, our_bench: Bench, method: str, request_bytes: bytes
    ) -> None:
        with grpc.insecure_channel(our_bench.server.address) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/google.pubsub.v1.{method}")

            with pytest.raises(grpc.RpcError) as caught:
                call(request_bytes, timeout=5.0)

        refused = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
        assert caught.value.code() in refused
        our_bench.create()
        our_bench.publish(b"alive")
        assert data_of(our_bench.pull(count=1)) == [b"alive"]

    @pytest.mark.parametrize("request_bytes", [b"\xff", STREAM_WITH_BAD_DEADLINE])
    def test_refuses_a_stream_that_starts_wrongly(self, our_bench: Bench, request_bytes: bytes) -> None:
        with grpc.insecure_channel(our_bench.server.address) as channel:
            call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
                "/google.pubsub.v1.Subscriber/StreamingPull"
            )
            with pytest.raises(grpc.RpcError) as caught:
                next(call(iter([request_bytes]), timeout=5.0))

        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
