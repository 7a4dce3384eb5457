"""The limits Google sets on requests; everything here raises ArgumentInvalid or returns None.

Checks that need the state of the server (does the topic exist?) are in `broker`.
Source: https://cloud.google.com/pubsub/quotas#resource_limits
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from google.protobuf.field_mask_pb2 import FieldMask

from deploy.dev.pubsub import errors
from deploy.dev.pubsub.messages import WireMessage

ACK_DEADLINE_S_MIN = 10
ACK_DEADLINE_S_MAX = 600
BACKOFF_S_MAX = 600
RETENTION_S_MIN = 600
RETENTION_S_MAX = 31 * 86_400
DELIVERY_ATTEMPTS_MIN = 5
DELIVERY_ATTEMPTS_MAX = 100
PUBLISH_MESSAGES_MAX = 1_000
PUBLISH_BYTES_MAX = 10_000_000
ATTRIBUTES_MAX = 100
ATTRIBUTE_KEY_BYTES_MAX = 256
ATTRIBUTE_VALUE_BYTES_MAX = 1_024
ORDERING_KEY_BYTES_MAX = 1_024

SUBSCRIPTION_FIELDS_MUTABLE = frozenset(
    {
        "ack_deadline_seconds",
        "dead_letter_policy",
        "enable_exactly_once_delivery",
        "expiration_policy",
        "labels",
        "message_retention_duration",
        "push_config",
        "retain_acked_messages",
        "retry_policy",
    }
)
TOPIC_FIELDS_MUTABLE = frozenset({"kms_key_name", "labels", "message_retention_duration", "message_storage_policy"})
SNAPSHOT_FIELDS_MUTABLE = frozenset({"expire_time", "labels"})

_FEATURES_MISSING = (
    "analytics_hub_subscription_info",
    "bigquery_config",
    "bigtable_config",
    "cloud_storage_config",
)


def check_publish(*, request: WireMessage) -> None:
    """Refuse a publish that is empty, too large, or has a message Google would refuse."""
    _require(bool(request.messages), "The request has no messages")
    _require(
        len(request.messages) <= PUBLISH_MESSAGES_MAX,
        f"The request has more than {PUBLISH_MESSAGES_MAX} messages",
    )
    _require(request.ByteSize() <= PUBLISH_BYTES_MAX, "The request is larger than 10 MB")
    for message in request.messages:
        _check_message(message)


def _check_message(message: WireMessage) -> None:
    _require(
        bool(message.data or message.attributes),
        "A message must have data or at least one attribute",
    )
    _require(
        len(message.ordering_key.encode()) <= ORDERING_KEY_BYTES_MAX,
        f"An ordering key is longer than {ORDERING_KEY_BYTES_MAX} bytes",
    )
    _require(
        len(message.attributes) <= ATTRIBUTES_MAX,
        f"A message has more than {ATTRIBUTES_MAX} attributes",
    )
    for key, value in message.attributes.items():
        _require(
            0 < len(key.encode()) <= ATTRIBUTE_KEY_BYTES_MAX and not key.startswith("goog"),
            f"Attribute key {key[:40]!r} is empty, too long or reserved",
        )
        _require(
            len(value.encode()) <= ATTRIBUTE_VALUE_BYTES_MAX,
            f"The value of attribute {key!r} is longer than {ATTRIBUTE_VALUE_BYTES_MAX} bytes",
        )


def check_topic(*, topic: WireMessage) -> None:
    """Refuse a topic that asks for what this server cannot do."""
    for field in ("schema_settings", "ingestion_data_source_settings"):
        if topic.HasField(field):
            _refuse_feature(field)
    if topic.message_transforms:
        _refuse_feature("message_transforms")


def check_subscription(*, subscription: WireMessage) -> None:
    """Refuse a configuration with a value out of range or a feature this server lacks.

    The filter is not looked at; compiling it is the check.
    """
    for field in _FEATURES_MISSING:
        if subscription.HasField(field):
            _refuse_feature(field)
    if subscription.message_transforms:
        _refuse_feature("message_transforms")
    _check_ack_deadline(subscription.ack_deadline_seconds)
    _require(
        RETENTION_S_MIN <= subscription.message_retention_duration.seconds <= RETENTION_S_MAX,
        "message_retention_duration must be between 10 minutes and 31 days",
    )
    check_push(push_config=subscription.push_config)
    if subscription.HasField("dead_letter_policy"):
        attempts = subscription.dead_letter_policy.max_delivery_attempts
        _require(
            attempts == 0 or DELIVERY_ATTEMPTS_MIN <= attempts <= DELIVERY_ATTEMPTS_MAX,
            f"max_delivery_attempts must be {DELIVERY_ATTEMPTS_MIN}..{DELIVERY_ATTEMPTS_MAX}",
        )
    if subscription.HasField("retry_policy"):
        _check_retry(subscription.retry_policy)


def check_push(*, push_config: WireMessage) -> None:
    """Refuse an endpoint that is not a web address, and bodies without the JSON wrapper."""
    if push_config.HasField("no_wrapper"):
        _refuse_feature("push_config.no_wrapper")
    if not push_config.push_endpoint:
        return
    try:
        address = urlsplit(push_config.push_endpoint)
        reachable = bool(address.hostname) and address.port != 0
    except ValueError:
        reachable = False
    _require(
        reachable and address.scheme in ("http", "https"),
        f"Invalid push endpoint {push_config.push_endpoint!r}",
    )


def check_ack_ids(*, ack_ids: Collection[str]) -> None:
    """Refuse a request that names no ack id."""
    _require(bool(ack_ids), "No ack ids specified")


def check_stream_deadline(*, seconds: int) -> None:
    """Refuse a stream whose ack deadline is out of range."""
    _check_ack_deadline(seconds)


def check_new_deadline(*, seconds: int) -> None:
    """Refuse a modified deadline out of range; 0 is a nack."""
    _require(0 <= seconds <= ACK_DEADLINE_S_MAX, f"The ack deadline must be 0..{ACK_DEADLINE_S_MAX} s")


def check_pull(*, count_max: int) -> None:
    """Refuse a pull of nothing."""
    _require(count_max > 0, "max_messages must be positive")


def check_mask(*, mask: FieldMask, resource: WireMessage, fields_mutable: Collection[str]) -> None:
    """Refuse an update mask that is empty, unknown to the resource or changes what may not be."""
    _require(bool(mask.paths), "The update_mask is empty")
    for path in mask.paths:
        known = FieldMask(paths=[path]).IsValidForDescriptor(resource.DESCRIPTOR)
        _require(known, f"Unknown field {path!r} in update_mask")
        _require(path.split(".")[0] in fields_mutable, f"Field {path!r} cannot be changed")


def _check_ack_deadline(seconds: int) -> None:
    _require(
        ACK_DEADLINE_S_MIN <= seconds <= ACK_DEADLINE_S_MAX,
        f"The ack deadline must be {ACK_DEADLINE_S_MIN}..{ACK_DEADLINE_S_MAX} s",
    )


def _check_retry(policy: WireMessage) -> None:
    minimum, maximum = policy.minimum_backoff, policy.maximum_backoff
    for backoff in (minimum, maximum):
        _require(
            0 <= backoff.seconds <= BACKOFF_S_MAX and backoff.nanos >= 0,
            f"A backoff must be 0..{BACKOFF_S_MAX} s",
        )
    if policy.HasField("minimum_backoff") and policy.HasField("maximum_backoff"):
        _require(
            (minimum.seconds, minimum.nanos) <= (maximum.seconds, maximum.nanos),
            "minimum_backoff must not exceed maximum_backoff",
        )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        message = f"{otherwise}."
        raise errors.ArgumentInvalid(message)


def _refuse_feature(field: str) -> None:
    message = f"This server does not implement {field}."
    raise errors.FeatureMissing(message)
