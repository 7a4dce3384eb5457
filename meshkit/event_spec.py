"""What a contract says of its event: type, topic, ordering key and version are options of the message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from marketmesh.options.v1 import event_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message


@dataclass(frozen=True)
class EventSpec:
    """Where a message type travels, as its proto option says."""

    type: str
    topic: str
    key: str
    version: int
    once: bool


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
