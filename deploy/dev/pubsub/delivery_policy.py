"""What the policies of a subscription say about a failed delivery: how long to wait, when to stop.

Pure functions over the subscription's configuration. Called by `subscription` and `broker`.
Source: https://cloud.google.com/pubsub/docs/handling-failures
"""

from deploy.dev.pubsub import names
from deploy.dev.pubsub.delivery import Delivery
from deploy.dev.pubsub.messages import PubsubMessage, WireMessage

BACKOFF_S_MIN_DEFAULT = 10.0
BACKOFF_S_MAX_DEFAULT = 600.0
PUSH_BACKOFF_S_MIN = 0.1
PUSH_BACKOFF_S_MAX = 60.0
DELIVERY_ATTEMPTS_DEFAULT = 5
DOUBLINGS_MAX = 20  # keeps the power finite; every backoff has reached its maximum by then

_SOURCE = "CloudPubSubDeadLetterSource"


def retry_delay_s(*, config: WireMessage, failure_count: int) -> float:
    """Return the seconds to wait after the failure number `failure_count`; 0 means at once."""
    minimum_s, maximum_s = 0.0, 0.0
    if config.HasField("retry_policy"):
        minimum_s = _seconds(config.retry_policy, "minimum_backoff", BACKOFF_S_MIN_DEFAULT)
        maximum_s = _seconds(config.retry_policy, "maximum_backoff", BACKOFF_S_MAX_DEFAULT)
    elif config.push_config.push_endpoint:
        minimum_s, maximum_s = PUSH_BACKOFF_S_MIN, PUSH_BACKOFF_S_MAX
    doublings = min(max(failure_count - 1, 0), DOUBLINGS_MAX)
    return min(maximum_s, minimum_s * 2.0**doublings)


def is_dead(*, config: WireMessage, failure_count: int) -> bool:
    """Tell whether a message that failed that often belongs on the dead-letter topic."""
    if not config.dead_letter_policy.dead_letter_topic:
        return False
    attempts_max = config.dead_letter_policy.max_delivery_attempts or DELIVERY_ATTEMPTS_DEFAULT
    return failure_count >= int(attempts_max)


def dead_letter(*, config: WireMessage, delivery: Delivery) -> WireMessage:
    """Return the message to publish on the dead-letter topic instead of `delivery`."""
    message = PubsubMessage.FromString(delivery.message.body)
    message.attributes.update(
        {
            f"{_SOURCE}DeliveryCount": str(delivery.failure_count),
            f"{_SOURCE}Subscription": names.id_of(name=config.name),
            f"{_SOURCE}SubscriptionProject": names.project_of(name=config.name),
            f"{_SOURCE}TopicPublishTime": message.publish_time.ToJsonString(),
        }
    )
    return message


def _seconds(policy: WireMessage, field: str, default: float) -> float:
    if not policy.HasField(field):
        return default
    return float(getattr(policy, field).ToNanoseconds() / 1e9)
