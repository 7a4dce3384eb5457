"""Compares the subscriptions that exist with those that are declared, and brings them there without losing an event.

Pub/Sub never changes the filter, the ordering or the topic of a subscription: such a one is made anew. A snapshot keeps
what was not acknowledged and all that is published meanwhile, and the new subscription starts from it. A run that dies
leaves the snapshot behind, and the next run goes on from there. Inboxes recognise what comes twice.

Each subscription carries, as labels, since when it gets each event type: older events never came to it.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument
from google.pubsub_v1 import Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.events.bus import Bus
    from meshkit.events.registry import Consumer

# The object store writes here; it is not an event of ours.
OBJECT_NOTICES = "media.object.v1"
DEAD_LETTERS = "mesh.dead-letter.v1"
# Our own dead-letter table takes a message after 10 failures; the bus's own dead letter is the net below.
_BUS_ATTEMPTS = 50
# What a killed consumer had in hand is delivered again after this long; a batch takes far less.
_FILTER_BYTES_MAX = 256
_ACK_SECONDS = 10
_RETENTION_SECONDS = 7 * 24 * 3600
_TIMEOUT_S = 10
# A label may hold lower-case letters, digits, hyphens and underscores: seconds of the epoch, and 0 for "always".
_SINCE = "since-"
_ALWAYS = "0"

_FIXED = ("topic", "filter", "enable_message_ordering")
_CHANGEABLE = ("ack_deadline_seconds", "message_retention_duration", "retry_policy", "dead_letter_policy")


class CannotMakeAnew(Exception):
    """The subscription differs and cannot be replaced without losing events; it was left as it is."""


@dataclass(frozen=True)
class Difference:
    """A setting that is not as declared."""

    field: str
    actual: str
    declared: str

    @property
    def is_fixed(self) -> bool:
        """Whether only a new subscription can have the declared value."""
        return self.field in _FIXED

    def __str__(self) -> str:
        return f"{self.field}: is {self.actual or 'nothing'}, declared {self.declared or 'nothing'}"


def existing(bus: Bus) -> dict[str, Subscription]:
    """Return the subscriptions of the project by their full names."""
    found = bus.subscriber.list_subscriptions(request={"project": _project(bus)}, timeout=_TIMEOUT_S, retry=None)
    return {subscription.name: subscription for subscription in found}


def snapshots(bus: Bus) -> set[str]:
    """Return the full names of the project's snapshots."""
    found = bus.subscriber.list_snapshots(request={"project": _project(bus)}, timeout=_TIMEOUT_S, retry=None)
    return {snapshot.name for snapshot in found}


def snapshot_path(bus: Bus, consumer: Consumer) -> str:
    """Return the full name of the snapshot that stands in while a subscription is made anew."""
    return f"{_project(bus)}/snapshots/{consumer.subscription}"


def _project(bus: Bus) -> str:
    return bus.topic_path("").partition("/topics/")[0]


def declared(bus: Bus, consumer: Consumer) -> Subscription:
    """Return the subscription that a consumer needs."""
    return Subscription(
        name=bus.subscription_path(consumer.subscription),
        topic=bus.topic_path(consumer.topic),
        ack_deadline_seconds=_ACK_SECONDS,
        enable_message_ordering=True,
        filter=_filter(consumer),
        message_retention_duration={"seconds": _RETENTION_SECONDS},
        retry_policy={"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 60}},
        dead_letter_policy={
            "dead_letter_topic": bus.topic_path(DEAD_LETTERS),
            "max_delivery_attempts": _BUS_ATTEMPTS,
        },
    )


def _filter(consumer: Consumer) -> str:
    """Return the filter that lets only the wanted types through; what slips by is ignored by the consumer.

    A consumer of many types gets none: Google takes no filter of more than 256 bytes, and such a one wants most of the
    topic anyway.
    """
    if consumer.topic == OBJECT_NOTICES:
        return ""
    wanted = " OR ".join(f'attributes."ce-type" = "{event_type}"' for event_type in consumer.types)
    return wanted if len(wanted.encode()) <= _FILTER_BYTES_MAX else ""


def since(subscription: Subscription, event_type: str) -> int:
    """Return since which second of the epoch a subscription gets a type; 0 when nothing says that it was ever without."""
    return int(subscription.labels.get(_label(event_type), _ALWAYS))


def _label(event_type: str) -> str:
    return _SINCE + event_type.lower()


def _labels(actual: Subscription | None, types: list[str]) -> dict[str, str]:
    """Return the labels a subscription should have: what is known stays, what is new begins with the next second.

    What is no longer wanted goes: wanted again one day, it begins again.
    """
    now = str(math.ceil(time.time()))
    if actual is None:
        return {_label(event_type): now for event_type in types}
    wanted = {_label(event_type) for event_type in types}
    labels = {name: since for name, since in actual.labels.items() if name in wanted or not name.startswith(_SINCE)}
    unlabelled = not any(name.startswith(_SINCE) for name in actual.labels)
    for event_type in types:
        # One of before there were labels got what its filter let through.
        had = unlabelled and (not actual.filter or f'"{event_type}"' in actual.filter)
        labels.setdefault(_label(event_type), _ALWAYS if had else now)
    return labels


def differences(actual: Subscription, wanted: Subscription) -> list[Difference]:
    """Return what is not as declared."""
    have, want = Subscription.pb(actual), Subscription.pb(wanted)
    return [
        Difference(field, _text(getattr(have, field)), _text(getattr(want, field)))
        for field in (*_FIXED, *_CHANGEABLE)
        if getattr(have, field) != getattr(want, field)
    ]


def _text(value: object) -> str:
    return " ".join(str(value).split())


@dataclass(frozen=True)
class Settler:
    """Makes subscriptions what they should be. Run one at a time: two would take each other's snapshots."""

    bus: Bus
    existing: Mapping[str, Subscription]
    snapshots: set[str]

    def settle(self, consumer: Consumer) -> str:
        """Create, change or replace a consumer's subscription; returns what was done, empty for nothing.

        Raises CannotMakeAnew.
        """
        wanted = declared(self.bus, consumer)
        actual = self.existing.get(wanted.name)
        snapshot = snapshot_path(self.bus, consumer)
        found = differences(actual, wanted) if actual else []
        wanted.labels = _labels(actual, consumer.types)
        if actual and dict(actual.labels) != dict(wanted.labels):
            found.append(Difference("labels", _text(dict(actual.labels)), _text(dict(wanted.labels))))
        done = "updated" if found else ""
        if any(difference.is_fixed for difference in found):
            self._keep(wanted.name, snapshot)
            self.bus.subscriber.delete_subscription(request={"subscription": wanted.name}, timeout=_TIMEOUT_S)
            actual, done = None, "made anew"
        if actual is None:
            self._create(wanted)
            done = done or "created"
        elif found:
            self._update(wanted, found)
        if done == "made anew" or snapshot in self.snapshots:
            self._start_from(snapshot, wanted.name)
            done = "made anew"
        return done

    def _keep(self, subscription: str, snapshot: str) -> None:
        request = {"name": snapshot, "subscription": subscription}
        try:
            self.bus.subscriber.create_snapshot(request=request, timeout=_TIMEOUT_S)
        except AlreadyExists:
            # Of a run that died before it deleted anything: it holds the same and more.
            pass
        except (FailedPrecondition, InvalidArgument) as error:
            raise CannotMakeAnew(str(error)) from error

    def _create(self, wanted: Subscription) -> None:
        # Somebody else may have been quicker with the same declaration.
        with contextlib.suppress(AlreadyExists):
            self.bus.subscriber.create_subscription(request=wanted, timeout=_TIMEOUT_S)

    def _update(self, wanted: Subscription, found: list[Difference]) -> None:
        request = {"subscription": wanted, "update_mask": {"paths": [difference.field for difference in found]}}
        self.bus.subscriber.update_subscription(request=request, timeout=_TIMEOUT_S)

    def _start_from(self, snapshot: str, subscription: str) -> None:
        self.bus.subscriber.seek(request={"subscription": subscription, "snapshot": snapshot}, timeout=_TIMEOUT_S)
        self.bus.subscriber.delete_snapshot(request={"snapshot": snapshot}, timeout=_TIMEOUT_S)
