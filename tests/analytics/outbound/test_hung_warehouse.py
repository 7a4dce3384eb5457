"""A warehouse that takes a question and never answers it."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from meshkit.errors import DependencyUnavailable
from services.analytics.outbound.bigquery_warehouse import BigQueryWarehouse
from services.analytics.outbound.ports import Party
from services.analytics.settings import AnalyticsSettings

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


class Slow(http.server.BaseHTTPRequestHandler):
    """Takes a query, says that it runs, and holds whoever waits for what comes of it."""

    def do_POST(self) -> None:
        """Make whatever is asked for; a job runs."""
        self.rfile.read(int(self.headers["content-length"]))
        self._answer()

    def do_GET(self) -> None:
        """Hold those who ask for results; tell the others that the job runs."""
        if "/queries/" in self.path:
            self.server.over.wait(30)  # type: ignore[attr-defined]
        self._answer()

    def _answer(self) -> None:
        job = {"jobReference": {"projectId": "marketmesh-dev", "jobId": "j", "location": "US"}}
        body = json.dumps({**job, "configuration": {"query": {}}, "status": {"state": "RUNNING"}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def slow() -> Iterator[int]:
    """Return the port of a warehouse whose jobs never end."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.over = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.over.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port: int, *, is_made: bool) -> str:
    """Return what a reader is told who can wait for a moment; `is_made`: the tables are there."""
    settings = AnalyticsSettings(
        database_url="postgresql://unused", bigquery_url=f"http://127.0.0.1:{port}", bigquery_project="marketmesh-dev"
    )
    warehouse = BigQueryWarehouse(settings)
    warehouse._ready = is_made
    until = time.monotonic() + 0.3
    with pytest.raises(DependencyUnavailable) as refused:
        warehouse.orders_of(Party("vendor", uuid.uuid4()), start=START, end=END, until=until)
    assert refused.value.metadata == {"dependency": "bigquery"}
    return refused.value.message


@pytest.mark.timeout(15)
class TestReaders:
    def test_wait_no_longer_than_their_caller_for_one_that_hangs(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as hung:
            assert "127.0.0.1" not in ask(hung.getsockname()[1], is_made=False)

    def test_wait_no_longer_than_their_caller_for_a_slow_query(self, slow: int) -> None:
        assert ask(slow, is_made=True)
