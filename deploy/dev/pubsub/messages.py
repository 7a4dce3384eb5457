"""The protobuf classes of google.pubsub.v1, without the client library around them.

Importing google.pubsub_v1 costs 22 MiB and a second, because it imports every client; only its
`types` module is wanted here. All other modules of this package take the classes from here.
"""

import importlib
import importlib.util
import sys
import types
from typing import Any, TypeAlias

# proto-plus builds the generated classes at run time, so type checkers cannot see their fields.
WireMessage: TypeAlias = Any

_PACKAGE = "google.pubsub_v1"


def _load_types() -> types.ModuleType:
    """Import google.pubsub_v1.types.pubsub while the package's own __init__ stays unexecuted."""
    module_name = f"{_PACKAGE}.types.pubsub"
    if _PACKAGE in sys.modules:
        return importlib.import_module(module_name)
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        message = "google-cloud-pubsub is not installed"
        raise ImportError(message)
    placeholder = types.ModuleType(_PACKAGE)
    placeholder.__path__ = list(spec.submodule_search_locations)
    sys.modules[_PACKAGE] = placeholder
    try:
        return importlib.import_module(module_name)
    finally:
        # A later import of the real package must find no trace of the placeholder.
        del sys.modules[_PACKAGE]


_TYPES = _load_types()


def _wire_class(name: str) -> WireMessage:
    """Return the plain protobuf class behind the proto-plus wrapper called `name`."""
    return getattr(_TYPES, name).pb()


PubsubMessage = _wire_class("PubsubMessage")
ReceivedMessage = _wire_class("ReceivedMessage")

Topic = _wire_class("Topic")
GetTopicRequest = _wire_class("GetTopicRequest")
UpdateTopicRequest = _wire_class("UpdateTopicRequest")
DeleteTopicRequest = _wire_class("DeleteTopicRequest")
ListTopicsRequest = _wire_class("ListTopicsRequest")
ListTopicsResponse = _wire_class("ListTopicsResponse")
ListTopicSubscriptionsRequest = _wire_class("ListTopicSubscriptionsRequest")
ListTopicSubscriptionsResponse = _wire_class("ListTopicSubscriptionsResponse")
ListTopicSnapshotsRequest = _wire_class("ListTopicSnapshotsRequest")
ListTopicSnapshotsResponse = _wire_class("ListTopicSnapshotsResponse")
PublishRequest = _wire_class("PublishRequest")
PublishResponse = _wire_class("PublishResponse")
DetachSubscriptionRequest = _wire_class("DetachSubscriptionRequest")
DetachSubscriptionResponse = _wire_class("DetachSubscriptionResponse")

Subscription = _wire_class("Subscription")
GetSubscriptionRequest = _wire_class("GetSubscriptionRequest")
UpdateSubscriptionRequest = _wire_class("UpdateSubscriptionRequest")
DeleteSubscriptionRequest = _wire_class("DeleteSubscriptionRequest")
ListSubscriptionsRequest = _wire_class("ListSubscriptionsRequest")
ListSubscriptionsResponse = _wire_class("ListSubscriptionsResponse")
ModifyPushConfigRequest = _wire_class("ModifyPushConfigRequest")
PullRequest = _wire_class("PullRequest")
PullResponse = _wire_class("PullResponse")
AcknowledgeRequest = _wire_class("AcknowledgeRequest")
ModifyAckDeadlineRequest = _wire_class("ModifyAckDeadlineRequest")
StreamingPullRequest = _wire_class("StreamingPullRequest")
StreamingPullResponse = _wire_class("StreamingPullResponse")

Snapshot = _wire_class("Snapshot")
CreateSnapshotRequest = _wire_class("CreateSnapshotRequest")
GetSnapshotRequest = _wire_class("GetSnapshotRequest")
UpdateSnapshotRequest = _wire_class("UpdateSnapshotRequest")
DeleteSnapshotRequest = _wire_class("DeleteSnapshotRequest")
ListSnapshotsRequest = _wire_class("ListSnapshotsRequest")
ListSnapshotsResponse = _wire_class("ListSnapshotsResponse")
SeekRequest = _wire_class("SeekRequest")
SeekResponse = _wire_class("SeekResponse")
