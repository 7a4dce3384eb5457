"""The running state of one subscription: what is unacknowledged, leased out, or retained.

Invariant: every message held in the journal under `holder_id` is in exactly one of `_unacked` and
`_retained`; every lease is of an unacknowledged message. No method waits, except `wait`; monotonic
seconds are arguments. Called by the servicers, `push` and `broker`.
"""

import asyncio
import heapq
import itertools
import secrets
from collections.abc import Callable, Iterable

from deploy.dev.pubsub import delivery_policy, filters
from deploy.dev.pubsub.backlog import Backlog
from deploy.dev.pubsub.delivery import Delivery, StoredMessage
from deploy.dev.pubsub.journal import Journal
from deploy.dev.pubsub.messages import PubsubMessage, ReceivedMessage, WireMessage

# Below the 10 MB that Google puts into one pull response.
RESPONSE_BYTES_MAX = 8_000_000

# Publishes a delivery on the dead-letter topic; tells whether that was possible.
DeadLetter = Callable[["Subscription", Delivery], bool]

# Part of every ack id, so none from before a restart is valid after it.
_BOOT = secrets.token_hex(4)


class Subscription:
    """One subscription; constructed empty, then filled from the journal or by publishes."""

    def __init__(self, *, config: WireMessage, holder_id: int, journal: Journal, dead_letter: DeadLetter) -> None:
        """Raise ArgumentInvalid if the filter in `config` is none."""
        self.config = config
        self.holder_id = holder_id
        self.deleted = False
        self._matches = filters.compile_filter(source=config.filter)
        self._journal = journal
        self._dead_letter = dead_letter
        self._unacked: dict[int, Delivery] = {}
        self._retained: dict[int, StoredMessage] = {}
        self._backlog = Backlog(ordered=config.enable_message_ordering)
        self._leases: dict[str, Delivery] = {}
        self._expiries: list[tuple[float, str]] = []
        self._lease_numbers = itertools.count(1)
        self._changed = asyncio.Event()

    def wants(self, *, message: WireMessage) -> bool:
        """Tell whether the filter lets the PubsubMessage `message` through."""
        return not self.config.detached and self._matches(message.attributes)

    def add(self, message: StoredMessage, *, failure_count: int = 0) -> None:
        """Take in a message that the journal already holds for this subscription."""
        delivery = Delivery(message=message, failure_count=failure_count)
        self._unacked[message.sequence] = delivery
        self._backlog.add(delivery)

    def add_retained(self, message: StoredMessage) -> None:
        """Take in an acknowledged message that the journal holds for a later seek."""
        self._retained[message.sequence] = message

    def unacked_messages(self) -> list[StoredMessage]:
        """Return what is not acknowledged, oldest first."""
        return [self._unacked[sequence].message for sequence in sorted(self._unacked)]

    def lease(
        self, *, count_max: int, deadline_s: int, now: float, bytes_max: int = RESPONSE_BYTES_MAX
    ) -> list[Delivery]:
        """Hand out waiting messages until `deadline_s` from `now`; empty if none is ready."""
        self._backlog.wake(now=now)
        taken = self._backlog.take(count_max=count_max, bytes_max=min(bytes_max, RESPONSE_BYTES_MAX))
        for delivery in taken:
            delivery.ack_id = f"{self.holder_id}-{_BOOT}-{next(self._lease_numbers)}"
            delivery.deadline = now + deadline_s
            self._leases[delivery.ack_id] = delivery
            heapq.heappush(self._expiries, (delivery.deadline, delivery.ack_id))
        return taken

    def received(self, delivery: Delivery) -> WireMessage:
        """Return a leased delivery as the ReceivedMessage a consumer gets."""
        received = ReceivedMessage(ack_id=delivery.ack_id)
        received.message.MergeFromString(delivery.message.body)
        if self.config.HasField("dead_letter_policy"):
            received.delivery_attempt = delivery.failure_count + 1
        return received

    def is_leased(self, ack_id: str) -> bool:
        """Tell whether the lease `ack_id` is still on."""
        return ack_id in self._leases

    def acknowledge(self, *, ack_ids: Iterable[str]) -> list[str]:
        """Be done with the leased messages; return the ids that are no longer valid."""
        expired, done = [], []
        for ack_id in ack_ids:
            delivery = self._leases.pop(ack_id, None)
            if delivery is None:
                expired.append(ack_id)
                continue
            self._backlog.settle(delivery)
            del self._unacked[delivery.message.sequence]
            done.append(delivery.message)
        self._let_go(done)
        if done:
            # A key may be free for its next messages, a stream below its limit again.
            self.notify()
        return expired

    def modify_deadline(self, *, ack_ids: Iterable[str], seconds: int, now: float) -> list[str]:
        """Move the deadlines to `seconds` from `now`, 0 being a nack; return invalid ids."""
        expired = []
        for ack_id in ack_ids:
            delivery = self._leases.get(ack_id)
            if delivery is None:
                expired.append(ack_id)
            elif seconds == 0:
                self._fail(delivery, now=now)
            else:
                delivery.deadline = now + seconds
                heapq.heappush(self._expiries, (delivery.deadline, ack_id))
        return expired

    def expire(self, *, now: float) -> None:
        """Take back what was not acknowledged in time and end the delays that are over."""
        while self._expiries and self._expiries[0][0] <= now:
            _, ack_id = heapq.heappop(self._expiries)
            delivery = self._leases.get(ack_id)
            # A later deadline means it was extended; that pushed an entry of its own.
            if delivery is not None and delivery.deadline <= now:
                self._fail(delivery, now=now)
        if self._backlog.wake(now=now):
            self.notify()

    def _fail(self, delivery: Delivery, *, now: float) -> None:
        """Count a failed attempt at a leased delivery, then retry it later or dead-letter it."""
        delivery.failure_count += 1
        if delivery_policy.is_dead(config=self.config, failure_count=delivery.failure_count) and self._dead_letter(
            self, delivery
        ):
            self.acknowledge(ack_ids=[delivery.ack_id or ""])
            return
        self._journal.count_failures(
            holder_id=self.holder_id,
            message=delivery.message,
            failure_count=delivery.failure_count,
        )
        delay_s = delivery_policy.retry_delay_s(config=self.config, failure_count=delivery.failure_count)
        ready_at = now + delay_s if delay_s else 0.0
        for returned in self._backlog.give_back(delivery, ready_at=ready_at):
            del self._leases[returned.ack_id or ""]
            returned.ack_id = None
        self.notify()

    def reconfigure(self, *, config: WireMessage) -> None:
        """Take over a changed configuration; the filter and the ordering stay as they were."""
        self.config = config
        if not config.retain_acked_messages:
            self._release(self._retained.values())
            self._retained.clear()
        self.notify()

    def seek_to_time(self, *, time_ns: int) -> None:
        """Make unacknowledged exactly what was published at `time_ns` or later and is kept."""
        candidates = [*self.unacked_messages(), *self._retained.values()]
        self._reset([one for one in candidates if one.publish_time_ns >= time_ns])

    def seek_to_messages(self, *, messages: Iterable[StoredMessage]) -> None:
        """Make unacknowledged exactly `messages`, as far as the filter lets them through."""
        self._reset(
            [
                message
                for message in messages
                if message.sequence in self._unacked or self.wants(message=PubsubMessage.FromString(message.body))
            ]
        )

    def trim(self, *, now_ns: int) -> None:
        """Drop what is older than the retention of this subscription."""
        seconds = self.config.message_retention_duration.seconds
        oldest_ns = now_ns - seconds * 1_000_000_000
        stale = [one for one in self._retained.values() if one.publish_time_ns < oldest_ns]
        for message in stale:
            del self._retained[message.sequence]
        self._release(stale)
        unacked = self.unacked_messages()
        if unacked and unacked[0].publish_time_ns < oldest_ns:
            fresh = [one for one in unacked if one.publish_time_ns >= oldest_ns]
            self._reset(fresh)

    def clear(self) -> None:
        """Let go of every message: the subscription is being deleted or detached."""
        self._reset([])
        self._release(self._retained.values())
        self._retained.clear()

    def _reset(self, unacked: Iterable[StoredMessage]) -> None:
        """Make exactly `unacked` wait, void all leases, and acknowledge everything else."""
        wanted = {message.sequence: message for message in unacked}
        before = self._unacked
        self._unacked, self._leases, self._expiries = {}, {}, []
        self._backlog = Backlog(ordered=self.config.enable_message_ordering)
        self._let_go([one.message for sequence, one in before.items() if sequence not in wanted])
        revived = [self._retained.pop(sequence) for sequence in wanted if sequence in self._retained]
        self._journal.mark(holder_id=self.holder_id, messages=revived, acknowledged=False)
        known = before.keys() | {message.sequence for message in revived}
        self._journal.hold(
            holder_id=self.holder_id,
            messages=[message for sequence, message in wanted.items() if sequence not in known],
        )
        for sequence in sorted(wanted):
            failure_count = before[sequence].failure_count if sequence in before else 0
            self.add(wanted[sequence], failure_count=failure_count)
        self.notify()

    def _let_go(self, messages: list[StoredMessage]) -> None:
        """Retain or release acknowledged `messages`, as configured."""
        if not messages:
            return
        if not self.config.retain_acked_messages:
            self._release(messages)
            return
        self._retained.update((message.sequence, message) for message in messages)
        self._journal.mark(holder_id=self.holder_id, messages=messages, acknowledged=True)

    def _release(self, messages: Iterable[StoredMessage]) -> None:
        self._journal.release(holder_id=self.holder_id, messages=messages)

    def notify(self) -> None:
        """Wake everybody in `wait`."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, *, timeout_s: float) -> None:
        """Return once something changed that may make `lease` return more, or at the timeout."""
        changed = self._changed
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            return
