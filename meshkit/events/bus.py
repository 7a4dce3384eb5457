"""The only place that speaks Pub/Sub: publish, pull, acknowledge, on the channels of Google's client.

Unary pull instead of streaming pull: one plain thread per subscription, batches that fit one transaction, and a drain that
is simply "finish this batch" (docs/decisions/0004).
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.api_core import exceptions as google
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from meshkit.events.envelope import Envelope
from meshkit.events.pubsub_calls import (
    AcknowledgeRequest,
    ModifyAckDeadlineRequest,
    PublishRequest,
    PubsubCalls,
    PubsubMessage,
    PullRequest,
)
from meshkit.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What Google takes in one publish request.
REQUEST_MESSAGES_MAX = 1000
REQUEST_BYTES_MAX = 9_000_000

# A missing topic or permission is tried again until an operator has mended it. What is not listed is final for the message.
RETRYABLE = (
    google.ServiceUnavailable,
    google.DeadlineExceeded,
    google.ResourceExhausted,
    google.Aborted,
    google.InternalServerError,
    google.Unknown,
    google.RetryError,
    google.Cancelled,
    google.NotFound,
    google.Forbidden,
)
# The bus itself is out of reach: no message is to blame.
AWAY = (google.ServiceUnavailable, google.DeadlineExceeded, google.RetryError, google.Cancelled)

_PUBLISH_SECONDS = 15.0
_SETTLE_SECONDS = 10.0
# Ids, lengths and field numbers of one message, generously.
_FRAMING_BYTES = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish."""

    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str

    @property
    def size_bytes(self) -> int:
        """Return about how much of a request it takes."""
        return len(self.data) + sum(len(key) + len(value) for key, value in self.attributes.items()) + _FRAMING_BYTES


@dataclass(frozen=True, slots=True)
class Received:
    """A message as pulled: how to acknowledge it, which delivery this is, and what it carries."""

    ack_id: str
    delivery_attempt: int
    attributes: Mapping[str, str]
    data: bytes
    ordering_key: str
    message_id: str

    def envelope(self, *, topic: str) -> Envelope:
        """Return the event, or the object store's notice as one. Raises ValueError when it is neither."""
        if "eventType" in self.attributes and "ce-id" not in self.attributes:
            return Envelope(
                event_id=derived_id(topic, self.message_id),
                type=self.attributes["eventType"],
                version=1,
                topic=topic,
                ordering_key=self.ordering_key,
                payload=self.data,
                headers=self.attributes,
            )
        try:
            return Envelope(
                event_id=uuid.UUID(self.attributes["ce-id"]),
                type=self.attributes["ce-type"],
                version=int(self.attributes["ce-dataversion"]),
                topic=topic,
                ordering_key=self.ordering_key or self.attributes.get("ce-subject", ""),
                payload=self.data,
                headers=self.attributes,
            )
        except (KeyError, ValueError) as error:
            raise ValueError(f"not an event of ours: {error}") from None


class Bus:
    """Pub/Sub for one process. Honours PUBSUB_EMULATOR_HOST as Google's client does."""

    def __init__(self, *, project: str) -> None:
        self._project = project
        channel = _emulator_channel()
        if channel:
            self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
            self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        else:
            self.publisher = PublisherClient()
            self.subscriber = SubscriberClient()
        self._calls = PubsubCalls(self.publisher, self.subscriber)

    def topic_path(self, topic: str) -> str:
        """Return the full name of a topic."""
        return f"projects/{self._project}/topics/{topic}"

    def subscription_path(self, subscription: str) -> str:
        """Return the full name of a subscription."""
        return f"projects/{self._project}/subscriptions/{subscription}"

    def publish(self, *, topic: str, messages: Sequence[Outgoing]) -> None:
        """Publish messages of one topic in one request; those of one ordering key stay in the order given.

        Raises google.api_core errors; RETRYABLE ones may be retried: inboxes recognise what had arrived all the same.
        """
        request = PublishRequest(
            topic=self.topic_path(topic),
            messages=[
                PubsubMessage(data=message.data, attributes=message.attributes, ordering_key=message.ordering_key)
                for message in messages
            ],
        )
        self._calls.publish(request, _PUBLISH_SECONDS)

    def pull(self, *, subscription: str, limit: int, timeout_s: float) -> list[Received]:
        """Return up to `limit` messages, waiting up to `timeout_s` for the first; empty when there is none."""
        request = PullRequest(subscription=self.subscription_path(subscription), max_messages=limit)
        try:
            response = self._calls.pull(request, timeout_s)
        except google.DeadlineExceeded:
            return []
        return [_received(item) for item in response.received_messages]

    def acknowledge(self, *, subscription: str, ack_ids: Sequence[str]) -> None:
        """Acknowledge messages; one whose acknowledgement gets lost comes again, and the inbox recognises it."""
        request = AcknowledgeRequest(subscription=self.subscription_path(subscription), ack_ids=ack_ids)
        self._calls.acknowledge(request, _SETTLE_SECONDS)

    def reject(self, *, subscription: str, ack_ids: Sequence[str]) -> None:
        """Give messages back for redelivery after the subscription's back-off."""
        path = self.subscription_path(subscription)
        request = ModifyAckDeadlineRequest(subscription=path, ack_ids=ack_ids, ack_deadline_seconds=0)
        self._calls.modify_ack_deadline(request, _SETTLE_SECONDS)


def _emulator_channel() -> grpc.Channel | None:
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return None
    return grpc.insecure_channel(host, options=[("grpc.max_reconnect_backoff_ms", 1000)])


def _received(item: Any) -> Received:
    message = item.message
    return Received(
        ack_id=item.ack_id,
        delivery_attempt=item.delivery_attempt,
        attributes=dict(message.attributes),
        data=message.data,
        ordering_key=message.ordering_key,
        message_id=message.message_id,
    )
