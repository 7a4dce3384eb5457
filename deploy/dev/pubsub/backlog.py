"""Decides which waiting deliveries of one subscription may be handed out now.

Invariant: of one ordering key, everything handed out is older than everything waiting, and nothing
more is handed out until all of it is settled or came back. Called by `subscription` only.
"""

import heapq
from collections import deque

from deploy.dev.pubsub.delivery import Delivery


class _Lane:
    """The deliveries of one ordering key.

    In a heap of the backlog exactly while it has waiting deliveries and none handed out.
    """

    __slots__ = ("handed_out", "ready_at", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Delivery] = deque()
        self.handed_out: dict[int, Delivery] = {}
        self.ready_at = 0.0  # zero means at once


class Backlog:
    """Waiting deliveries, oldest first; times are monotonic seconds given by the caller."""

    def __init__(self, *, ordered: bool) -> None:
        """Respect ordering keys only if `ordered`."""
        self._ordered = ordered
        self._lanes: dict[str, _Lane] = {}
        # Entries start with numbers that never tie, so the heaps compare nothing further.
        self._ready: list[tuple[int, Delivery | _Lane]] = []
        self._delayed: list[tuple[float, int, Delivery | _Lane]] = []

    def add(self, delivery: Delivery) -> None:
        """Append `delivery`, which must be newer than every other of its key."""
        key = delivery.message.ordering_key
        if not (self._ordered and key):
            heapq.heappush(self._ready, (delivery.message.sequence, delivery))
            return
        lane = self._lanes.setdefault(key, _Lane())
        lane.waiting.append(delivery)
        if len(lane.waiting) == 1 and not lane.handed_out:
            self._queue(lane, sequence=delivery.message.sequence, ready_at=lane.ready_at)

    def take(self, *, count_max: int, bytes_max: int) -> list[Delivery]:
        """Hand out ready deliveries, in order and the oldest keys first.

        Stops after `count_max`, or once `bytes_max` is reached; a single larger message still goes.
        """
        taken: list[Delivery] = []
        size_bytes = 0
        while self._ready and len(taken) < count_max and size_bytes < bytes_max:
            _, source = heapq.heappop(self._ready)
            if isinstance(source, Delivery):
                taken.append(source)
                size_bytes += len(source.message.body)
                continue
            while source.waiting and len(taken) < count_max and size_bytes < bytes_max:
                delivery = source.waiting.popleft()
                source.handed_out[delivery.message.sequence] = delivery
                taken.append(delivery)
                size_bytes += len(delivery.message.body)
        return taken

    def settle(self, delivery: Delivery) -> None:
        """Forget `delivery`, which was handed out and is done with."""
        lane = self._lane_of(delivery)
        if lane is None:
            return
        del lane.handed_out[delivery.message.sequence]
        self._release(lane, key=delivery.message.ordering_key)

    def give_back(self, delivery: Delivery, *, ready_at: float) -> list[Delivery]:
        """Let `delivery` wait again, until `ready_at` if not zero; return all that came back.

        Under an ordering key those are also the later ones that were handed out.
        """
        lane = self._lane_of(delivery)
        sequence = delivery.message.sequence
        if lane is None:
            self._queue(delivery, sequence=sequence, ready_at=ready_at)
            return [delivery]
        returned = [lane.handed_out[number] for number in lane.handed_out if number >= sequence]
        for other in returned:
            del lane.handed_out[other.message.sequence]
        lane.waiting.extendleft(reversed(returned))
        lane.ready_at = max(lane.ready_at, ready_at)
        self._release(lane, key=delivery.message.ordering_key)
        return returned

    def wake(self, *, now: float) -> bool:
        """Make ready what was delayed until `now`; tell whether there was any."""
        woken = False
        while self._delayed and self._delayed[0][0] <= now:
            _, sequence, source = heapq.heappop(self._delayed)
            heapq.heappush(self._ready, (sequence, source))
            if isinstance(source, _Lane):
                source.ready_at = 0.0
            woken = True
        return woken

    def _lane_of(self, delivery: Delivery) -> _Lane | None:
        key = delivery.message.ordering_key
        return self._lanes[key] if self._ordered and key else None

    def _release(self, lane: _Lane, *, key: str) -> None:
        """Offer the lane again if nothing of it is handed out any more."""
        if lane.handed_out:
            return
        if lane.waiting:
            sequence = lane.waiting[0].message.sequence
            self._queue(lane, sequence=sequence, ready_at=lane.ready_at)
        else:
            del self._lanes[key]

    def _queue(self, source: Delivery | _Lane, *, sequence: int, ready_at: float) -> None:
        """Put `source` among the ready, or among the delayed where `wake` finds it."""
        if ready_at:
            heapq.heappush(self._delayed, (ready_at, sequence, source))
        else:
            heapq.heappush(self._ready, (sequence, source))
