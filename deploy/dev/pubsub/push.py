"""Delivers the messages of push subscriptions to their web endpoints.

Invariant: of one ordering key, a message is sent only after the one before it was accepted. A small
HTTP client of our own, because the standard one blocks a thread that could not be stopped in time.
Source: https://cloud.google.com/pubsub/docs/push#receive_push
"""

import asyncio
import base64
import json
import logging
import re
import time
from urllib.parse import SplitResult, urlsplit

from deploy.dev.pubsub.delivery import Delivery
from deploy.dev.pubsub.messages import PubsubMessage, WireMessage
from deploy.dev.pubsub.subscription import Subscription

REQUESTS_MAX = 8
IDLE_WAIT_S = 30.0
STATUS_LINE_BYTES_MAX = 1_024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\b")

STATUSES_ACCEPTED = frozenset({102, 200, 201, 202, 204})

_log = logging.getLogger(__name__)


class PushSender:
    """One sending task for each subscription that has an endpoint."""

    def __init__(self) -> None:
        """Start with no tasks."""
        self._tasks: dict[Subscription, asyncio.Task[None]] = {}

    def follow(self, subscription: Subscription) -> None:
        """Start, keep or stop sending, as the present state of `subscription` demands."""
        config = subscription.config
        pushes = config.push_config.push_endpoint and not config.detached
        if pushes and not subscription.deleted:
            if subscription not in self._tasks:
                self._tasks[subscription] = asyncio.create_task(_send_all(subscription))
        elif subscription in self._tasks:
            self._tasks.pop(subscription).cancel()

    async def stop(self) -> None:
        """Cancel all sending and wait until it ended."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_all(subscription: Subscription) -> None:
    """Send until cancelled; what is unsent then comes back when its deadline ends."""
    async with asyncio.TaskGroup() as group:
        for _ in range(REQUESTS_MAX):
            group.create_task(_send_one_by_one(subscription))


async def _send_one_by_one(subscription: Subscription) -> None:
    """Lease, send and settle single messages; the lease alone keeps ordering keys in order."""
    while True:
        leased = subscription.lease(
            count_max=1,
            deadline_s=subscription.config.ack_deadline_seconds,
            now=time.monotonic(),
        )
        if not leased:
            await subscription.wait(timeout_s=IDLE_WAIT_S)
            continue
        ack_ids = [delivery.ack_id or "" for delivery in leased]
        if await _send(subscription, leased[0]):
            subscription.acknowledge(ack_ids=ack_ids)
        else:
            subscription.modify_deadline(ack_ids=ack_ids, seconds=0, now=time.monotonic())


async def _send(subscription: Subscription, delivery: Delivery) -> bool:
    """Post one message within the ack deadline; tell whether the endpoint accepted it."""
    endpoint = subscription.config.push_config.push_endpoint
    body = json.dumps(_envelope(subscription, delivery)).encode()
    try:
        async with asyncio.timeout(subscription.config.ack_deadline_seconds):
            status = await _post(urlsplit(endpoint), body)
    except (OSError, ValueError, TimeoutError) as error:
        _log.warning("push to %s failed: %r", endpoint, error)
        return False
    return status in STATUSES_ACCEPTED


def _envelope(subscription: Subscription, delivery: Delivery) -> dict[str, object]:
    """Return the JSON that wraps a pushed message; ids and times are in both spellings."""
    message: WireMessage = PubsubMessage.FromString(delivery.message.body)
    publish_time = message.publish_time.ToJsonString()
    content: dict[str, object] = {
        "data": base64.b64encode(message.data).decode(),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": publish_time,
        "publish_time": publish_time,
    }
    if message.attributes:
        content["attributes"] = dict(message.attributes)
    if message.ordering_key:
        content["orderingKey"] = message.ordering_key
    envelope: dict[str, object] = {"message": content, "subscription": subscription.config.name}
    if subscription.config.HasField("dead_letter_policy"):
        envelope["deliveryAttempt"] = delivery.failure_count + 1
    return envelope


async def _post(address: SplitResult, body: bytes) -> int:
    """Post JSON over HTTP/1.1; return the status, 0 if the answer was not HTTP."""
    secure = address.scheme == "https"
    port = address.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(
        address.hostname, port, ssl=secure or None, limit=STATUS_LINE_BYTES_MAX
    )
    try:
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {address.netloc.rpartition('@')[2]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "User-Agent: CloudPubSub-Google\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        status = _STATUS_LINE.match(await reader.readline())
        return int(status[1]) if status else 0
    finally:
        writer.close()
