"""Who gets a thread: RPCs up to a bound, refused at once with a retry delay beyond it; health checks always, on a thread of their own."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from grpc_status import rpc_status

from meshkit.errors import DependencyUnavailable
from meshkit.grpc import wire
from meshkit.obs.metrics import RPC_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

_HEALTH = "/grpc.health.v1.Health/"


class RpcThreads(ThreadPoolExecutor):
    """The threads that run RPCs, and how many calls they have been given: those that run and those that wait."""

    def __init__(self, threads: int, *, bound: int) -> None:
        super().__init__(threads, thread_name_prefix="rpc")
        self._bound = bound
        self._given = 0
        self._counting = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Take a call; it counts until it has ended, whichever way."""
        with self._counting:
            self._given += 1
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._ended)
        return future

    def is_full(self) -> bool:
        """Return whether as many calls run and wait as may."""
        return self._given >= self._bound

    def _ended(self, _: Future[Any]) -> None:
        with self._counting:
            self._given -= 1


class Admission(grpc.ServerInterceptor):  # type: ignore[misc]
    """The first interceptor: chooses the thread before the call waits for one."""

    def __init__(self, threads: RpcThreads, *, service: str) -> None:
        self._threads = threads
        self._service = service
        # Readiness and refusals must be answered when every other thread is busy; neither waits for anything.
        self.health = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._refusals = ThreadPoolExecutor(1, thread_name_prefix="refuse")

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the method's handler, or one that refuses when too many calls run and wait."""
        path = handler_call_details.method
        if not path.startswith(_HEALTH):
            return self._refusal(path) if self._threads.is_full() else continuation(handler_call_details)
        handler = continuation(handler_call_details)
        return _on(self.health, handler) if handler is not None and handler.unary_unary else handler

    def _refusal(self, path: str) -> grpc.RpcMethodHandler[Any, Any]:
        error = TooBusy("Too many calls at once; this one was not begun.", dependency=self._service)

        def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
            RPC_SECONDS.labels(path, error.code).observe(0)
            context.send_initial_metadata(tuple(wire.headers_of(error).items()))
            context.abort_with_status(rpc_status.to_status(wire.status_of(error, service=self._service)))
            raise AssertionError("unreachable")

        return _on(self._refusals, grpc.unary_unary_rpc_method_handler(refuse))


class TooBusy(DependencyUnavailable):
    """Nothing of the call was begun, and the answer says so: it may be repeated at once."""

    fix = "Repeat it as Retry-After says."


def _on(pool: ThreadPoolExecutor, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
    """Return a handler that runs on a pool of its own instead of the server's."""
    servicer = handler.unary_unary
    assert servicer is not None, "only unary methods are moved"

    def behaviour(request: Message, context: grpc.ServicerContext) -> object:
        return servicer(request, context)

    behaviour.experimental_thread_pool = pool  # type: ignore[attr-defined]
    return grpc.unary_unary_rpc_method_handler(
        behaviour,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
