"""Push subscriptions, against a small web server of the test."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from google.api_core import exceptions

from tests.deploy.pubsub.bench import Bench, wait_until


class Endpoint:
    """A web server that answers with the given statuses, then with 204, and keeps what it got."""

    def __init__(self) -> None:
        """Start to listen."""
        self.bodies: list[dict[str, dict[str, str]]] = []
        self.statuses: list[int] = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                endpoint.bodies.append(json.loads(self.rfile.read(length)))
                self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 204)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Keep the test output quiet."""

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/push?token=x"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def data(self) -> list[bytes]:
        """Return the contents that arrived, in order."""
        return [base64.b64decode(body["message"]["data"]) for body in list(self.bodies)]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


class TestPush:
    def test_posts_the_wrapped_message(self, our_bench: Bench, endpoint: Endpoint) -> None:
        our_bench.create(push_config={"push_endpoint": endpoint.address})

        (message_id,) = our_bench.publish(b"hello", kind="greeting")

        wait_until(lambda: len(endpoint.bodies) == 1)
        (body,) = endpoint.bodies
        publish_time = body["message"].pop("publishTime")
        assert body["message"].pop("publish_time") == publish_time
        assert body == {
            "message": {
                "data": base64.b64encode(b"hello").decode(),
                "attributes": {"kind": "greeting"},
                "messageId": message_id,
                "message_id": message_id,
            },
            "subscription": our_bench.subscription,
        }

    def test_tries_again_until_it_is_accepted(self, our_bench: Bench, endpoint: Endpoint) -> None:
        endpoint.statuses = [500, 404]
        our_bench.create(push_config={"push_endpoint": endpoint.address})

        our_bench.publish(b"again")

        wait_until(lambda: len(endpoint.bodies) == 3)
        assert endpoint.data() == [b"again"] * 3

    def test_keeps_the_order_of_a_key(self, our_bench: Bench, endpoint: Endpoint) -> None:
        endpoint.statuses = [500]
        our_bench.create(push_config={"push_endpoint": endpoint.address}, enable_message_ordering=True)

        our_bench.publish(b"1", b"2", b"3", ordering_key="key")

        wait_until(lambda: len(endpoint.bodies) == 4)
        assert endpoint.data() == [b"1", b"1", b"2", b"3"]

    def test_can_be_turned_on_later(self, our_bench: Bench, endpoint: Endpoint) -> None:
        our_bench.create()
        our_bench.publish(b"waiting")

        our_bench.subscriber.modify_push_config(
            subscription=our_bench.subscription, push_config={"push_endpoint": endpoint.address}
        )

        wait_until(lambda: endpoint.data() == [b"waiting"])
        with pytest.raises(exceptions.FailedPrecondition):
            our_bench.pull_nothing()

    @pytest.mark.parametrize("address", ["ftp://host/", "nonsense", "http://", "http://h:x/"])
    def test_refuses_what_is_no_web_address(self, our_bench: Bench, address: str) -> None:
        our_bench.publisher.create_topic(name=our_bench.topic)

        with pytest.raises(exceptions.InvalidArgument):
            our_bench.subscribe(push_config={"push_endpoint": address})
