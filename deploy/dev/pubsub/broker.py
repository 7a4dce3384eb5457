"""All topics, subscriptions and snapshots, and the path of a message from publish to their holders.

Invariant: memory changes only after the journal accepted the same change. One per process, used
from the event loop only, by the servicers and by the clock in `server`.
"""

import time
from pathlib import Path

from deploy.dev.pubsub import delivery_policy, errors, messages, names
from deploy.dev.pubsub.delivery import Delivery, StoredMessage
from deploy.dev.pubsub.journal import Journal
from deploy.dev.pubsub.messages import WireMessage
from deploy.dev.pubsub.snapshot import Snapshot
from deploy.dev.pubsub.subscription import Subscription

# Sequence numbers start at the clock's microseconds: unique after a restart even if the journal is
# empty, as long as fewer than a million messages a second were published before.
_SEQUENCE_UNIT_NS = 1_000


class Broker:
    """The state of the server."""

    def __init__(self, *, database: Path) -> None:
        """Load what the file holds."""
        self.journal = Journal(path=database)
        self.topics: dict[str, WireMessage] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self._load()
        clock = time.time_ns() // _SEQUENCE_UNIT_NS
        self._sequence = max(clock, self.journal.last_sequence())

    def _load(self) -> None:
        holders: dict[int, Subscription | Snapshot] = {}
        for holder_id, kind, body in self.journal.resources():
            if kind == "topic":
                topic = messages.Topic.FromString(body)
                self.topics[topic.name] = topic
            elif kind == "subscription":
                config = messages.Subscription.FromString(body)
                holders[holder_id] = self._run_subscription(config=config, holder_id=holder_id)
            else:
                config = messages.Snapshot.FromString(body)
                snapshot = Snapshot(config=config, holder_id=holder_id, journal=self.journal)
                holders[holder_id] = self.snapshots[config.name] = snapshot
        for holding in self.journal.holdings():
            holder = holders[holding.holder_id]
            if isinstance(holder, Snapshot):
                holder.add(holding.message)
            elif holding.acknowledged:
                holder.add_retained(holding.message)
            else:
                holder.add(holding.message, failure_count=holding.failure_count)

    def _run_subscription(self, *, config: WireMessage, holder_id: int) -> Subscription:
        subscription = Subscription(
            config=config,
            holder_id=holder_id,
            journal=self.journal,
            dead_letter=self._dead_letter,
        )
        self.subscriptions[config.name] = subscription
        return subscription

    def topic(self, *, name: str) -> WireMessage:
        """Return the topic. Raises: ResourceMissing."""
        if name not in self.topics:
            _miss("Topic", name)
        return self.topics[name]

    def subscription(self, *, name: str) -> Subscription:
        """Return the subscription. Raises: ResourceMissing."""
        if name not in self.subscriptions:
            _miss("Subscription", name)
        return self.subscriptions[name]

    def snapshot(self, *, name: str) -> Snapshot:
        """Return the snapshot. Raises: ResourceMissing."""
        if name not in self.snapshots:
            _miss("Snapshot", name)
        return self.snapshots[name]

    def save_topic(self, *, topic: WireMessage) -> None:
        """Create or replace a topic."""
        self.journal.save(kind="topic", name=topic.name, body=topic.SerializeToString())
        self.topics[topic.name] = topic

    def delete_topic(self, *, name: str) -> None:
        """Delete a topic; its subscriptions keep what they have. Raises: ResourceMissing."""
        self.topic(name=name)
        for subscription in self.subscriptions.values():
            if subscription.config.topic == name:
                orphan = messages.Subscription()
                orphan.CopyFrom(subscription.config)
                orphan.topic = names.DELETED_TOPIC
                self.update_subscription(subscription=subscription, config=orphan)
        self.journal.forget(kind="topic", name=name)
        del self.topics[name]

    def create_subscription(self, *, config: WireMessage) -> Subscription:
        """Start a subscription. Raises: ResourceExists; ResourceMissing for its topics."""
        if config.name in self.subscriptions:
            _exists("Subscription", config.name)
        self.topic(name=config.topic)
        self._check_dead_letter_topic(config)
        holder_id = self.journal.save(kind="subscription", name=config.name, body=config.SerializeToString())
        return self._run_subscription(config=config, holder_id=holder_id)

    def update_subscription(self, *, subscription: Subscription, config: WireMessage) -> None:
        """Give a subscription a new configuration. Raises: ResourceMissing."""
        if config.dead_letter_policy != subscription.config.dead_letter_policy:
            self._check_dead_letter_topic(config)
        self.journal.save(kind="subscription", name=config.name, body=config.SerializeToString())
        subscription.reconfigure(config=config)

    def delete_subscription(self, *, name: str) -> Subscription:
        """Delete a subscription with its messages and return it. Raises: ResourceMissing."""
        subscription = self.subscription(name=name)
        subscription.clear()
        self.journal.forget(kind="subscription", name=name)
        del self.subscriptions[name]
        subscription.deleted = True
        subscription.notify()
        return subscription

    def create_snapshot(self, *, config: WireMessage, source: Subscription) -> Snapshot:
        """Hold what `source` has unacknowledged, and all that follows. Raises: ResourceExists."""
        if config.name in self.snapshots:
            _exists("Snapshot", config.name)
        holder_id = self.journal.save(kind="snapshot", name=config.name, body=config.SerializeToString())
        snapshot = Snapshot(config=config, holder_id=holder_id, journal=self.journal)
        snapshot.capture(source.unacked_messages())
        self.journal.commit()
        self.snapshots[config.name] = snapshot
        return snapshot

    def update_snapshot(self, *, snapshot: Snapshot, config: WireMessage) -> None:
        """Give a snapshot new labels or another expire time."""
        self.journal.save(kind="snapshot", name=config.name, body=config.SerializeToString())
        snapshot.config = config

    def delete_snapshot(self, *, name: str) -> None:
        """Delete a snapshot. Raises: ResourceMissing."""
        self.snapshot(name=name).clear()
        self.journal.forget(kind="snapshot", name=name)
        del self.snapshots[name]

    def publish(self, *, topic_name: str, batch: list[WireMessage]) -> list[str]:
        """Store `batch` durably, offer it to every holder, and return the message ids.

        Sets the id and publish time of each message. Raises: ResourceMissing.
        """
        self.topic(name=topic_name)
        holders: list[Subscription | Snapshot] = [
            one for one in self.subscriptions.values() if one.config.topic == topic_name
        ]
        holders += [one for one in self.snapshots.values() if one.config.topic == topic_name]
        gains: dict[int, list[StoredMessage]] = {holder.holder_id: [] for holder in holders}
        kept = []
        for message in batch:
            stored = self._stamp(message)
            takers = [holder for holder in holders if isinstance(holder, Snapshot) or holder.wants(message=message)]
            for holder in takers:
                gains[holder.holder_id].append(stored)
            if takers:
                kept.append(stored)
        self._hand_over(kept, holders=holders, gains=gains)
        return [message.message_id for message in batch]

    def _stamp(self, message: WireMessage) -> StoredMessage:
        """Give `message` its id and publish time, and return it as it will be kept."""
        self._sequence += 1
        now_ns = time.time_ns()
        message.message_id = str(self._sequence)
        message.publish_time.FromNanoseconds(now_ns)
        return StoredMessage(
            sequence=self._sequence,
            publish_time_ns=now_ns,
            ordering_key=message.ordering_key,
            body=message.SerializeToString(),
        )

    def _hand_over(
        self,
        kept: list[StoredMessage],
        *,
        holders: list[Subscription | Snapshot],
        gains: dict[int, list[StoredMessage]],
    ) -> None:
        """Write `kept` and who gains which, commit, and only then let the holders see them."""
        if not kept:
            return
        self.journal.store(kept)
        for holder_id, gained in gains.items():
            self.journal.hold(holder_id=holder_id, messages=gained)
        self.journal.commit()
        for holder in holders:
            for stored in gains[holder.holder_id]:
                holder.add(stored)
            if gains[holder.holder_id] and isinstance(holder, Subscription):
                holder.notify()

    def _dead_letter(self, subscription: Subscription, delivery: Delivery) -> bool:
        topic_name = subscription.config.dead_letter_policy.dead_letter_topic
        if topic_name not in self.topics:
            return False
        message = delivery_policy.dead_letter(config=subscription.config, delivery=delivery)
        self.publish(topic_name=topic_name, batch=[message])
        return True

    def _check_dead_letter_topic(self, config: WireMessage) -> None:
        if config.HasField("dead_letter_policy"):
            self.topic(name=config.dead_letter_policy.dead_letter_topic)

    def tick(self, *, now: float) -> None:
        """Expire deadlines and delays, and write what is still unwritten."""
        for subscription in list(self.subscriptions.values()):
            subscription.expire(now=now)
        self.journal.commit()

    def trim(self, *, now_ns: int) -> None:
        """Drop messages and snapshots that are older than their retention."""
        for subscription in self.subscriptions.values():
            subscription.trim(now_ns=now_ns)
        for name, snapshot in list(self.snapshots.items()):
            if snapshot.is_expired(now_ns=now_ns):
                self.delete_snapshot(name=name)


def _miss(kind: str, name: str) -> None:
    message = f"{kind} not found (resource={name})."
    raise errors.ResourceMissing(message)


def _exists(kind: str, name: str) -> None:
    message = f"{kind} already exists (resource={name})."
    raise errors.ResourceExists(message)
