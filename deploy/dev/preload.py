"""A process that has imported the big libraries and becomes a service by forking: `python -m deploy.dev.preload FD`.

Importing gRPC, SQLAlchemy, Pub/Sub and friends takes seconds of processor time per service, twice with its migration;
forked, it is paid once, and the memory is shared. Our own code is not imported here, so that a restarted service runs
what is on disk now. Must stay single-threaded. Started by nursery.Nursery, which explains the messages.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pathlib
import runpy
import selectors
import signal
import socket
import sys

_LIBRARIES = (
    "alembic.command",
    "google.api.annotations_pb2",
    "google.cloud.pubsub_v1",
    "google.rpc.error_details_pb2",
    "grpc_health.v1.health_pb2_grpc",
    "grpc_status.rpc_status",
    "jwt",
    "limits",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "opentelemetry.sdk.trace",
    "prometheus_client",
    "protovalidate",
    "psycopg_binary",
    "psycopg_pool",
    "pydantic_settings",
    "redis.asyncio",
    "sqlalchemy.dialects.postgresql.psycopg",
    "structlog",
    "typer.rich_utils",
    "uuid_utils",
)
_MESSAGE_BYTES = 1 << 18
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
# In /proc/self/stat, counted from the field after the program's name.
_ARG_START, _ARG_END = 45, 46
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

Request = dict[str, object]


def import_libraries() -> None:
    """Import what services share; a library that is not installed will be missed by the service that needs it."""
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector writes to what it visits, which would copy the shared pages


def show_as(title: str) -> None:
    """Write the title over this process's arguments, which is what `ps` shows: forked, all would look like their parent."""
    fields = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    if 0 < begin < end:
        size = end - begin
        ctypes.memmove(begin, title.encode()[: size - 1].ljust(size, b"\0"), size)


class Forker:
    """Answers requests by forking and reports each child's end, until the supervisor closes the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._children: set[int] = set()

    def serve(self) -> Request | None:
        """Return None when the supervisor is gone; in a forked child, return what it shall become."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._wake_read in ready:
                    self._report_ended()
                if self._connection.fileno() in ready:
                    data, descriptors, _, _ = socket.recv_fds(self._connection, _MESSAGE_BYTES, 1)
                    if not data:
                        return None
                    request: Request = json.loads(data)
                    if self._fork(request, descriptors[0]):
                        return request

    def _fork(self, request: Request, output: int) -> bool:
        """Return True in the child."""
        parent = os.getpid()
        pid = os.fork()
        if pid:
            os.close(output)
            self._children.add(pid)
            self._send({"request": request["request"], "pid": pid})
            return False
        self._leave(parent=parent, request=request, output=output)
        return True

    def _leave(self, *, parent: int, request: Request, output: int) -> None:
        """Cut the child off from this process, and make it look as if it had been executed."""
        os.setpgid(0, 0)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(str(request["stop_signal"])))
            _LIBC.prctl(_PR_SET_NAME, str(request["name"]).encode()[:15])
            show_as(f"marketmesh {request['name']}")
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)
        self._connection.close()
        for standard in (1, 2):
            os.dup2(output, standard)
        os.close(output)

    def _report_ended(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        for pid in tuple(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                self._send({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _send(self, message: dict[str, object]) -> None:
        with contextlib.suppress(OSError):  # the supervisor is gone; the next read says so
            self._connection.send(json.dumps(message).encode())


def become(request: Request) -> None:
    """Run the requested module as `python -m` would."""
    environment = request["environment"]
    words = request["words"]
    assert isinstance(environment, dict)
    assert isinstance(words, list)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(request["folder"]))
    sys.argv = [str(words[0]), *map(str, words[1:])]
    runpy.run_module(str(words[0]), run_name="__main__", alter_sys=True)


def main() -> None:
    """Import, then fork on request."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    import_libraries()
    threads = len(os.listdir("/proc/self/task")) if pathlib.Path("/proc/self/task").exists() else 1
    if threads > 1:
        print(f"WARNING preload: {threads} threads after the imports; forks may hang", flush=True)
    request = Forker(connection).serve()
    if request is not None:
        become(request)


if __name__ == "__main__":
    main()
