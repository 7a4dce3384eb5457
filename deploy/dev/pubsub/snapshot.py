"""A snapshot: the messages a later seek makes unacknowledged again.

It starts with what its subscription had unacknowledged and then takes in every message published
on the topic, as a subscription that never acknowledges would. Owned by `broker`.
"""

from collections.abc import Iterable

from deploy.dev.pubsub.delivery import StoredMessage
from deploy.dev.pubsub.journal import Journal
from deploy.dev.pubsub.messages import WireMessage


class Snapshot:
    """Invariant: `messages` are exactly what the journal holds for `holder_id`."""

    def __init__(self, *, config: WireMessage, holder_id: int, journal: Journal) -> None:
        """Start empty; `config` is the google.pubsub.v1.Snapshot."""
        self.config = config
        self.holder_id = holder_id
        self._journal = journal
        self._messages: dict[int, StoredMessage] = {}

    def add(self, message: StoredMessage) -> None:
        """Take in a message that the journal already holds for this snapshot."""
        self._messages[message.sequence] = message

    def capture(self, messages: Iterable[StoredMessage]) -> None:
        """Hold `messages`, none of which this snapshot holds yet."""
        captured = list(messages)
        self._journal.hold(holder_id=self.holder_id, messages=captured)
        for message in captured:
            self.add(message)

    def messages(self) -> list[StoredMessage]:
        """Return all messages, oldest first."""
        return [self._messages[sequence] for sequence in sorted(self._messages)]

    def clear(self) -> None:
        """Let go of every message: the snapshot is being deleted."""
        self._journal.release(holder_id=self.holder_id, messages=self._messages.values())
        self._messages.clear()

    def is_expired(self, *, now_ns: int) -> bool:
        """Tell whether the expire time has passed."""
        return int(self.config.expire_time.ToNanoseconds()) <= now_ns
