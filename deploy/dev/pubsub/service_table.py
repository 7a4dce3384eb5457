"""Connects the methods to their wire names and classes, and exceptions to gRPC statuses.

No wheel contains servicer base classes for google.pubsub.v1, hence the table. Called by `server`.
"""

import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

import grpc
import grpc.aio
from google.protobuf import any_pb2, empty_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from deploy.dev.pubsub import errors, messages
from deploy.dev.pubsub.messages import WireMessage
from deploy.dev.pubsub.publisher import Publisher
from deploy.dev.pubsub.seeker import Seeker
from deploy.dev.pubsub.streaming import StreamingPuller
from deploy.dev.pubsub.subscriber import Subscriber

Context = grpc.aio.ServicerContext[WireMessage, WireMessage]
# What a method takes first is a request or, for the stream, the iterator over requests.
Method = Callable[[WireMessage, Context], Awaitable[WireMessage]]

_log = logging.getLogger(__name__)


def publisher_handler(*, publisher: Publisher) -> grpc.GenericRpcHandler:
    """Return the handler of google.pubsub.v1.Publisher."""
    empty = empty_pb2.Empty
    table: dict[str, tuple[Method, WireMessage, WireMessage]] = {
        "CreateTopic": (publisher.create_topic, messages.Topic, messages.Topic),
        "UpdateTopic": (publisher.update_topic, messages.UpdateTopicRequest, messages.Topic),
        "GetTopic": (publisher.get_topic, messages.GetTopicRequest, messages.Topic),
        "ListTopics": (
            publisher.list_topics,
            messages.ListTopicsRequest,
            messages.ListTopicsResponse,
        ),
        "ListTopicSubscriptions": (
            publisher.list_topic_subscriptions,
            messages.ListTopicSubscriptionsRequest,
            messages.ListTopicSubscriptionsResponse,
        ),
        "ListTopicSnapshots": (
            publisher.list_topic_snapshots,
            messages.ListTopicSnapshotsRequest,
            messages.ListTopicSnapshotsResponse,
        ),
        "DeleteTopic": (publisher.delete_topic, messages.DeleteTopicRequest, empty),
        "DetachSubscription": (
            publisher.detach_subscription,
            messages.DetachSubscriptionRequest,
            messages.DetachSubscriptionResponse,
        ),
        "Publish": (publisher.publish, messages.PublishRequest, messages.PublishResponse),
    }
    return grpc.method_handlers_generic_handler(
        "google.pubsub.v1.Publisher", {name: _unary(*row) for name, row in table.items()}
    )


def subscriber_handler(
    *, subscriber: Subscriber, seeker: Seeker, streaming_puller: StreamingPuller
) -> grpc.GenericRpcHandler:
    """Return the handler of google.pubsub.v1.Subscriber."""
    table = _subscription_methods(subscriber) | _snapshot_methods(seeker)
    handlers = {name: _unary(*row) for name, row in table.items()}
    handlers["StreamingPull"] = grpc.stream_stream_rpc_method_handler(
        _guarded(streaming_puller.streaming_pull, parse=_parse_stream),
        response_serializer=messages.StreamingPullResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", handlers)


def _subscription_methods(
    subscriber: Subscriber,
) -> dict[str, tuple[Method, WireMessage, WireMessage]]:
    config, empty = messages.Subscription, empty_pb2.Empty
    return {
        "CreateSubscription": (subscriber.create_subscription, config, config),
        "GetSubscription": (
            subscriber.get_subscription,
            messages.GetSubscriptionRequest,
            config,
        ),
        "UpdateSubscription": (
            subscriber.update_subscription,
            messages.UpdateSubscriptionRequest,
            config,
        ),
        "ListSubscriptions": (
            subscriber.list_subscriptions,
            messages.ListSubscriptionsRequest,
            messages.ListSubscriptionsResponse,
        ),
        "DeleteSubscription": (
            subscriber.delete_subscription,
            messages.DeleteSubscriptionRequest,
            empty,
        ),
        "ModifyPushConfig": (
            subscriber.modify_push_config,
            messages.ModifyPushConfigRequest,
            empty,
        ),
        "ModifyAckDeadline": (
            subscriber.modify_ack_deadline,
            messages.ModifyAckDeadlineRequest,
            empty,
        ),
        "Acknowledge": (subscriber.acknowledge, messages.AcknowledgeRequest, empty),
        "Pull": (subscriber.pull, messages.PullRequest, messages.PullResponse),
    }


def _snapshot_methods(seeker: Seeker) -> dict[str, tuple[Method, WireMessage, WireMessage]]:
    snapshot, empty = messages.Snapshot, empty_pb2.Empty
    return {
        "CreateSnapshot": (seeker.create_snapshot, messages.CreateSnapshotRequest, snapshot),
        "GetSnapshot": (seeker.get_snapshot, messages.GetSnapshotRequest, snapshot),
        "ListSnapshots": (
            seeker.list_snapshots,
            messages.ListSnapshotsRequest,
            messages.ListSnapshotsResponse,
        ),
        "UpdateSnapshot": (seeker.update_snapshot, messages.UpdateSnapshotRequest, snapshot),
        "DeleteSnapshot": (seeker.delete_snapshot, messages.DeleteSnapshotRequest, empty),
        "Seek": (seeker.seek, messages.SeekRequest, messages.SeekResponse),
    }


def _unary(
    method: Method, request_class: WireMessage, response_class: WireMessage
) -> "grpc.RpcMethodHandler[WireMessage, WireMessage]":
    return grpc.unary_unary_rpc_method_handler(
        _guarded(method, parse=lambda body: _parse(request_class, body)),
        response_serializer=response_class.SerializeToString,
    )


def _parse(request_class: WireMessage, body: bytes) -> WireMessage:
    """Return the request in `body`; gRPC itself would call a bad one an UNKNOWN error of ours."""
    try:
        return request_class.FromString(body)
    except DecodeError as error:
        message = f"The request is malformed: {error}."
        raise errors.ArgumentInvalid(message) from error


async def _parse_stream(bodies: AsyncIterator[bytes]) -> AsyncIterator[WireMessage]:
    async for body in bodies:
        yield _parse(messages.StreamingPullRequest, body)


def _guarded(method: Method, *, parse: Callable[[WireMessage], WireMessage]) -> Method:
    """Return `method` with its request parsed and every exception turned into its status."""

    async def call(raw: WireMessage, context: Context) -> WireMessage:
        try:
            return await method(parse(raw), context)
        except errors.PubsubError as error:
            await _refuse(context, error)
        except sqlite3.Error as error:
            _log.exception("the journal failed")
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"The journal failed: {error}")
        except Exception:
            _log.exception("a bug in the server")
            await context.abort(grpc.StatusCode.INTERNAL, "A bug in the server; see its log.")

    return call


async def _refuse(context: Context, error: errors.PubsubError) -> NoReturn:
    if isinstance(error, errors.AckIdsExpired):
        context.set_trailing_metadata((("grpc-status-details-bin", _ack_details(error)),))
    await context.abort(error.code, str(error))


def _ack_details(error: errors.AckIdsExpired) -> bytes:
    """Return the status in which exactly-once clients look up what became of each ack id."""
    info = error_details_pb2.ErrorInfo(
        reason="EXACTLY_ONCE_ACKID_FAILURE",
        domain="pubsub.googleapis.com",
        metadata=dict.fromkeys(error.ack_ids, "PERMANENT_FAILURE_INVALID_ACK_ID"),
    )
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=error.code.value[0], message=str(error), details=[detail])
    return bytes(status.SerializeToString())
