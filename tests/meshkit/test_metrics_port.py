"""What a process's metrics port answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from wsgiref.simple_server import make_server

import pytest
import requests

from meshkit.obs import metrics


@pytest.fixture
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, metrics._metrics_only, metrics._Server, metrics._Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class TestMetricsPort:
    def test_has_the_metrics_in_one_place(self, address: str) -> None:
        answer = requests.get(f"{address}/metrics", timeout=5)

        assert (answer.status_code, "mesh_rpc_in_flight" in answer.text) == (200, True)

    @pytest.mark.parametrize("path", ["/", "/health", "/metrics/x", "/metricsx", "/favicon.ico"])
    def test_has_nothing_beside_them(self, address: str, path: str) -> None:
        answer = requests.get(address + path, timeout=5)

        assert (answer.status_code, "/metrics" in answer.text) == (404, True)
