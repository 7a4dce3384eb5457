"""Messages as the server keeps them, and one subscription's claim on one message.

A message is stored once however many subscriptions and snapshots hold it. Made by `topic_log` and
`journal`, moved around by `backlog` and `subscription`.
"""


class StoredMessage:
    """A published message. Invariant: on disk exactly while `holder_count` is above zero."""

    __slots__ = ("body", "holder_count", "ordering_key", "publish_time_ns", "sequence")

    def __init__(self, *, sequence: int, publish_time_ns: int, ordering_key: str, body: bytes) -> None:
        """Keep `body`, a serialized PubsubMessage that already carries its id and publish time."""
        self.sequence = sequence
        self.publish_time_ns = publish_time_ns
        self.ordering_key = ordering_key
        self.body = body
        self.holder_count = 0


class Delivery:
    """An unacknowledged message of one subscription.

    `failure_count` counts its nacks and expired deadlines. `ack_id` is set while it is handed out;
    `deadline` is then the monotonic second at which it comes back.
    """

    __slots__ = ("ack_id", "deadline", "failure_count", "message")

    def __init__(self, *, message: StoredMessage, failure_count: int = 0) -> None:
        """Start out as waiting, not handed out."""
        self.message = message
        self.failure_count = failure_count
        self.ack_id: str | None = None
        self.deadline = 0.0
