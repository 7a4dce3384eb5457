"""The StreamingPull method: one session per open stream, reading and writing at the same time.

Invariant: only the writer writes to the stream, and never more than the client's flow control
allows. What is leased when a stream breaks comes back at its deadline, as at Google.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import grpc.aio

from deploy.dev.pubsub import errors, messages, validation
from deploy.dev.pubsub.broker import Broker
from deploy.dev.pubsub.messages import WireMessage
from deploy.dev.pubsub.subscriber import check_pullable
from deploy.dev.pubsub.subscription import RESPONSE_BYTES_MAX, Subscription

MESSAGES_PER_RESPONSE_MAX = 500
IDLE_WAIT_S = 30.0
UNLIMITED = 1 << 62

StreamContext = grpc.aio.ServicerContext[WireMessage, WireMessage]


class StreamingPuller:
    """The servicer part of StreamingPull."""

    def __init__(self, *, broker: Broker) -> None:
        """Serve the state of `broker`."""
        self._broker = broker

    async def streaming_pull(self, requests: AsyncIterator[WireMessage], context: StreamContext) -> None:
        """Run a stream until the client closes it or its subscription can no longer be pulled."""
        first = await anext(aiter(requests), None)
        if first is None:
            return
        validation.check_stream_deadline(seconds=first.stream_ack_deadline_seconds)
        subscription = self._broker.subscription(name=first.subscription)
        session = _Session(broker=self._broker, subscription=subscription, first=first, context=context)
        reader = asyncio.create_task(session.read(requests))
        try:
            await session.write()
        finally:
            reader.cancel()


class _Session:
    """One open stream. `_leased` maps the ack ids it handed out to message sizes in bytes."""

    def __init__(
        self,
        *,
        broker: Broker,
        subscription: Subscription,
        first: WireMessage,
        context: StreamContext,
    ) -> None:
        self._broker = broker
        self._subscription = subscription
        self._context = context
        self._deadline_s: int = first.stream_ack_deadline_seconds
        # Zero and less mean no limit.
        self._count_max = max(first.max_outstanding_messages, 0) or UNLIMITED
        self._bytes_max = max(first.max_outstanding_bytes, 0) or UNLIMITED
        self._leased: dict[str, int] = {}
        self._confirmations: list[WireMessage] = []
        self._closed = False
        self._refusal: errors.PubsubError | None = None
        self._settle(first)

    async def read(self, requests: AsyncIterator[WireMessage]) -> None:
        """Apply what the client sends until it closes its side."""
        try:
            async for request in requests:
                if request.subscription:
                    _refuse("Only the first request of a stream names the subscription")
                if request.stream_ack_deadline_seconds:
                    validation.check_stream_deadline(seconds=request.stream_ack_deadline_seconds)
                    self._deadline_s = request.stream_ack_deadline_seconds
                self._settle(request)
        except errors.PubsubError as refusal:
            self._refusal = refusal
        finally:
            self._closed = True
            self._subscription.notify()

    async def write(self) -> None:
        """Send messages and confirmations until the stream ends; raise why, unless closed."""
        while not self._closed:
            check_pullable(self._subscription)
            response = self._next_response()
            if response is None:
                await self._subscription.wait(timeout_s=IDLE_WAIT_S)
            else:
                await self._context.write(response)
        if self._refusal is not None:
            raise self._refusal

    def _settle(self, request: WireMessage) -> None:
        """Apply the acks and new deadlines of `request`."""
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            _refuse("modify_deadline_ack_ids and modify_deadline_seconds differ in length")
        for seconds in request.modify_deadline_seconds:
            validation.check_new_deadline(seconds=seconds)
        now = time.monotonic()
        unacked = self._subscription.acknowledge(ack_ids=request.ack_ids)
        unmoved = []
        for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
            unmoved += self._subscription.modify_deadline(ack_ids=[ack_id], seconds=seconds, now=now)
        if self._subscription.config.enable_exactly_once_delivery:
            self._confirm(request, unacked=unacked, unmoved=unmoved)

    def _confirm(self, request: WireMessage, *, unacked: list[str], unmoved: list[str]) -> None:
        """Queue the confirmation that exactly-once clients wait for."""
        if not (request.ack_ids or request.modify_deadline_ack_ids):
            return
        self._broker.journal.commit()
        response = messages.StreamingPullResponse()
        response.acknowledge_confirmation.ack_ids.extend(
            [ack_id for ack_id in request.ack_ids if ack_id not in unacked]
        )
        response.acknowledge_confirmation.invalid_ack_ids.extend(unacked)
        response.modify_ack_deadline_confirmation.ack_ids.extend(
            [ack_id for ack_id in request.modify_deadline_ack_ids if ack_id not in unmoved]
        )
        response.modify_ack_deadline_confirmation.invalid_ack_ids.extend(unmoved)
        self._confirmations.append(response)
        self._subscription.notify()

    def _next_response(self) -> WireMessage | None:
        """Return what can be sent now, None if nothing."""
        if self._confirmations:
            return self._confirmations.pop(0)
        self._leased = {ack_id: size for ack_id, size in self._leased.items() if self._subscription.is_leased(ack_id)}
        count_free = self._count_max - len(self._leased)
        bytes_free = self._bytes_max - sum(self._leased.values())
        if count_free <= 0 or bytes_free <= 0:
            return None
        deliveries = self._subscription.lease(
            count_max=min(count_free, MESSAGES_PER_RESPONSE_MAX),
            bytes_max=min(bytes_free, RESPONSE_BYTES_MAX),
            deadline_s=self._deadline_s,
            now=time.monotonic(),
        )
        if not deliveries:
            return None
        response = messages.StreamingPullResponse()
        for delivery in deliveries:
            self._leased[delivery.ack_id or ""] = len(delivery.message.body)
            response.received_messages.append(self._subscription.received(delivery))
        config = self._subscription.config
        properties = response.subscription_properties
        properties.exactly_once_delivery_enabled = config.enable_exactly_once_delivery
        properties.message_ordering_enabled = config.enable_message_ordering
        return response


def _refuse(reason: str) -> None:
    message = f"{reason}."
    raise errors.ArgumentInvalid(message)
