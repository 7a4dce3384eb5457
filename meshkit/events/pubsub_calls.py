"""The four Pub/Sub calls of the hot path, on the channels of Google's client but without its wrappers.

A call through the generated client costs more than a millisecond of processor time: retry, timeout, routing and logging
decorators, and every message copied between two kinds of classes. Here it is the plain gRPC call with plain protobuf
messages; channels, credentials, wire format and the exceptions that callers see are Google's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import grpc
from google.api_core import exceptions as google
from google.protobuf import empty_pb2
from google.pubsub_v1 import types

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from google.pubsub_v1 import PublisherClient, SubscriberClient

# The protobuf classes behind the client's wrappers; they are built at run time, so no type checker knows their fields.
PubsubMessage: Any = types.PubsubMessage.pb()
PublishRequest: Any = types.PublishRequest.pb()
PullRequest: Any = types.PullRequest.pb()
AcknowledgeRequest: Any = types.AcknowledgeRequest.pb()
ModifyAckDeadlineRequest: Any = types.ModifyAckDeadlineRequest.pb()


class PubsubCalls:
    """The calls, each `(request, timeout)`. They raise google.api_core's errors and retry nothing."""

    def __init__(self, publisher: PublisherClient, subscriber: SubscriberClient) -> None:
        publishing, subscribing = publisher.transport.grpc_channel, subscriber.transport.grpc_channel
        self.publish = _call(publishing, "Publisher/Publish", "topic", types.PublishResponse.pb())
        self.pull = _call(subscribing, "Subscriber/Pull", "subscription", types.PullResponse.pb())
        self.acknowledge = _call(subscribing, "Subscriber/Acknowledge", "subscription", empty_pb2.Empty)
        self.modify_ack_deadline = _call(subscribing, "Subscriber/ModifyAckDeadline", "subscription", empty_pb2.Empty)


def _call(channel: grpc.Channel, path: str, routed_by: str, response: Any) -> Callable[[Any, float], Any]:
    """Return one call; Google routes it by the field that names its topic or subscription."""
    method = channel.unary_unary(
        f"/google.pubsub.v1.{path}", request_serializer=_serialize, response_deserializer=response.FromString
    )

    @cache
    def routing(name: str) -> tuple[tuple[str, str], ...]:
        return (("x-goog-request-params", f"{routed_by}={quote(name, safe='')}"),)

    def call(request: Any, timeout_s: float) -> Any:
        try:
            return method(request, timeout=timeout_s, metadata=routing(getattr(request, routed_by)))
        except grpc.RpcError as error:
            raise google.from_grpc_error(error) from error

    return call


def _serialize(request: Message) -> bytes:
    return request.SerializeToString()
