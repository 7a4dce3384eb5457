"""Runs the gRPC server and the clock until a signal ends both.

Called by `python -m deploy.dev.pubsub`. Asynchronous, unlike our services: hundreds of long polls
and streams wait at the same time here, and one event loop needs neither threads nor locks.
"""

import asyncio
import logging
import signal
import sqlite3
import time
from pathlib import Path

import grpc.aio

from deploy.dev.pubsub import service_table
from deploy.dev.pubsub.broker import Broker
from deploy.dev.pubsub.publisher import Publisher
from deploy.dev.pubsub.push import PushSender
from deploy.dev.pubsub.seeker import Seeker
from deploy.dev.pubsub.streaming import StreamingPuller
from deploy.dev.pubsub.subscriber import Subscriber

TICK_S = 0.04  # what is written behind an answer is on disk within 50 ms
TRIM_INTERVAL_S = 60.0
STOP_GRACE_S = 0.3
# More than the 10 MB a request may have, so that the refusal is ours and names the limit.
REQUEST_BYTES_MAX = 20_000_000

_log = logging.getLogger(__name__)


async def serve(*, host: str, port: int, database: Path) -> None:
    """Serve on host:port with the state in `database` until SIGTERM or SIGINT.

    Prints `ready` once connections are accepted.
    Raises: RuntimeError if the port is taken, sqlite3.Error if the file cannot be used.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    broker = Broker(database=database)
    push_sender = PushSender()
    server = _build(broker=broker, push_sender=push_sender)
    server.add_insecure_port(f"{host}:{port}")
    await server.start()
    for subscription in broker.subscriptions.values():
        push_sender.follow(subscription)
    clock = asyncio.create_task(_run_clock(broker))
    print("ready", flush=True)

    await stopping.wait()
    clock.cancel()
    await push_sender.stop()
    await server.stop(STOP_GRACE_S)
    broker.journal.close()


def _build(*, broker: Broker, push_sender: PushSender) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
            ("grpc.max_send_message_length", -1),
            # Otherwise a second server on the same port would get half of the calls.
            ("grpc.so_reuseport", 0),
            # The client library pings idle streams more often than gRPC tolerates by default.
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ]
    )
    server.add_generic_rpc_handlers(
        (
            service_table.publisher_handler(publisher=Publisher(broker=broker, push_sender=push_sender)),
            service_table.subscriber_handler(
                subscriber=Subscriber(broker=broker, push_sender=push_sender),
                seeker=Seeker(broker=broker),
                streaming_puller=StreamingPuller(broker=broker),
            ),
        )
    )
    return server


async def _run_clock(broker: Broker) -> None:
    """Let time pass for the broker; a failing disk is reported and tried again."""
    trim_at = 0.0
    while True:
        now = time.monotonic()
        try:
            broker.tick(now=now)
            if now >= trim_at:
                trim_at = now + TRIM_INTERVAL_S
                broker.trim(now_ns=time.time_ns())
        except sqlite3.Error:
            _log.exception("the journal failed")
        await asyncio.sleep(TICK_S)
