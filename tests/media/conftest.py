"""The embedded object store under media, and short cuts to files in each state."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING

import pytest

from marketmesh.media.v1 import media_internal_service_pb2_grpc as internal_stubs
from marketmesh.media.v1 import media_service_pb2_grpc as stubs
from services.media.files.jobs.keep_bucket import BucketKeeper
from services.media.settings import MediaSettings
from tests.media.uploads import Uploads, object_store_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from tests.support.mesh_harness import MeshHarness

_START_SECONDS = 10.0


@pytest.fixture(scope="session")
def object_server(session_mesh: MeshHarness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the object store where the harness says it is; yields its address."""
    addresses = session_mesh.stack.addresses
    folder: pathlib.Path = tmp_path_factory.mktemp("gcs")
    session_mesh.process("media")
    words = (
        *("--port", str(addresses.ports.gcs), "--database", str(folder / "objects.sqlite")),
        *("--account", str(MediaSettings().signing_key_file)),
    )
    command = [sys.executable, "-m", "deploy.dev.objects", *words]
    with (folder / "log").open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        _wait_for(addresses.url("gcs") + "/healthz")
        yield addresses.url("gcs")
        process.terminate()


@pytest.fixture(scope="session")
def bucket(object_server: str, session_mesh: MeshHarness) -> None:
    """Make the bucket as a process in dev does at start-up."""
    assert object_server
    session_mesh.process("media")
    stop = threading.Event()
    objects = object_store_of()
    keeper = threading.Thread(target=BucketKeeper(objects).run, args=(stop,))
    keeper.start()
    deadline = time.monotonic() + _START_SECONDS
    while not objects._bucket.exists():
        assert time.monotonic() < deadline, "the bucket was not made"
        stop.wait(0.02)
    stop.set()
    keeper.join(_START_SECONDS)


@pytest.fixture
def media(mesh: MeshHarness) -> stubs.MediaServiceStub:
    """Return a client of media's public service."""
    return mesh.stub(stubs.MediaServiceStub, "media")


@pytest.fixture
def internal(mesh: MeshHarness) -> internal_stubs.MediaInternalServiceStub:
    """Return a client of media's service for the mesh."""
    return mesh.stub(internal_stubs.MediaInternalServiceStub, "media")


@pytest.fixture
def uploads(mesh: MeshHarness, media: stubs.MediaServiceStub) -> Uploads:
    """Return short cuts for a store of this test's own."""
    return Uploads(mesh, media, uuid.uuid4())


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(url, timeout=1).close()
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, "the object store did not start"
            threading.Event().wait(0.02)
        else:
            return
