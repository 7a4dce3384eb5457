"""How an event travels: CloudEvents 1.0 attributes on a Pub/Sub message, protobuf payload, ordered by aggregate."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


# Headers of a dead letter that was replayed: the subscriptions it is replayed for, with commas between, and when the event was
# published to all of them, if that is known. Other consumers ignore it.
ONLY_FOR = "only-for"
SENT_TO_ALL_AT = "sent-to-all-at"


class Claimed(NamedTuple):
    """An event that this relay has to publish."""

    seq: int
    event_id: uuid.UUID
    type: str
    version: int
    topic: str
    ordering_key: str
    payload: bytes
    headers: dict[str, str]
    created_at: datetime
    attempts: int


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
