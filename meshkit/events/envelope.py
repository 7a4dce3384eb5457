"""How an event travels: CloudEvents 1.0 attributes on a Pub/Sub message, protobuf payload, ordered by aggregate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from marketmesh.options.v1 import event_pb2

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from meshkit.events.relay import Claimed


# Headers of an event that was put back for the consumers that had refused it: their subscriptions, with commas between,
# and when all had got it, if that is known. To everybody else it says nothing.
ONLY_FOR = "only-for"
SENT_TO_ALL_AT = "sent-to-all-at"


@dataclass(frozen=True)
class EventSpec:
    """Where a message type travels, as its proto option says."""

    type: str
    topic: str
    key: str
    version: int
    once: bool


@dataclass(frozen=True)
class Envelope:
    """A received event, not yet decoded."""

    event_id: uuid.UUID
    type: str
    version: int
    topic: str
    ordering_key: str
    payload: bytes
    headers: Mapping[str, str]

    @property
    def traceparent(self) -> str:
        """Return the trace this event belongs to."""
        return self.headers.get("traceparent", "")

    def is_for(self, subscription: str) -> bool:
        """Return whether a consumer is meant: all are, unless it was put back for some."""
        only = self.headers.get(ONLY_FOR, "")
        return not only or subscription in only.split(",")


@cache
def spec_of(descriptor: Descriptor) -> EventSpec:
    """Return the event declaration of a message type. Raises LookupError when it has none."""
    options = descriptor.GetOptions()
    if not options.HasExtension(event_pb2.event):
        raise LookupError(f"{descriptor.full_name} is not declared as an event")
    declared = options.Extensions[event_pb2.event]
    return EventSpec(declared.type, declared.topic, declared.key, declared.version, declared.once)


def ordering_key_of(event: Message) -> str:
    """Return the aggregate id that orders this event."""
    return str(getattr(event, spec_of(event.DESCRIPTOR).key))


def attributes_of(row: Claimed) -> dict[str, str]:
    """Return the Pub/Sub attributes of an outbox row: CloudEvents names plus what the row's headers hold."""
    return {
        **row.headers,
        "ce-specversion": "1.0",
        "ce-id": str(row.event_id),
        "ce-type": row.type,
        "ce-dataversion": str(row.version),
        "ce-subject": row.ordering_key,
        "ce-time": row.created_at.isoformat(),
        "content-type": "application/protobuf",
    }
