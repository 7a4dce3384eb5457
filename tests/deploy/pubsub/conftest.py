"""Servers that live as long as the test session, and a bench on one of them for each test."""

from collections.abc import Callable, Iterator

import pytest

from tests.deploy.pubsub.bench import Bench
from tests.deploy.pubsub.servers import Server, start_google, start_ours


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of cases that Google's emulator is known to get wrong."""
    config.addinivalue_line("markers", "ours_only(reason): skipped on Google's emulator, because of `reason`")


class ServerPool:
    """Starts each kind of server when the first test asks for it, whatever the test order."""

    def __init__(self, starters: dict[str, Callable[[], Server]]) -> None:
        """Start nothing yet."""
        self._starters = starters
        self._servers: dict[str, Server] = {}

    def server(self, kind: str) -> Server:
        """Return the running server of `kind`."""
        if kind not in self._servers:
            self._servers[kind] = self._starters[kind]()
        return self._servers[kind]

    def kill(self) -> None:
        """End all servers."""
        for server in self._servers.values():
            server.kill()


@pytest.fixture(scope="session")
def server_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPool]:
    database = tmp_path_factory.mktemp("pubsub") / "shared.sqlite"
    pool = ServerPool({"ours": lambda: start_ours(database=database), "google": start_google})
    yield pool
    pool.kill()


@pytest.fixture
def our_bench(server_pool: ServerPool) -> Bench:
    """Return a bench on our server."""
    return Bench(server_pool.server("ours"))


@pytest.fixture(params=["ours", "google"])
def bench(request: pytest.FixtureRequest, server_pool: ServerPool) -> Bench:
    """Return a bench on each of the servers in turn."""
    marker = request.node.get_closest_marker("ours_only")
    if marker is not None and request.param == "google":
        pytest.skip(f"Google's emulator: {marker.args[0]}")
    return Bench(server_pool.server(request.param))
