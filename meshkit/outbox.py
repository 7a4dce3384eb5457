"""Writing side of the outbox: events become rows in the caller's own transaction, in one statement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.event_spec import EventSpec, ordering_key_of, spec_of
from meshkit.ids import new_id

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from google.protobuf.message import Message

    from meshkit.call import Call

# `once` events collide on once_key and are then not written a second time.
_INSERT = """
    INSERT INTO outbox (event_id, type, version, topic, ordering_key, payload, headers, once_key, created_at, available_at)
    SELECT e.event_id, e.type, e.version, e.topic, e.ordering_key, e.payload, CAST(e.headers AS jsonb), e.once_key,
           :event_now, :event_now
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:event_types AS text[]), CAST(:event_versions AS integer[]),
                CAST(:event_topics AS text[]), CAST(:event_keys AS text[]), CAST(:event_payloads AS bytea[]),
                CAST(:event_headers AS text[]), CAST(:event_once_keys AS text[]))
         WITH ORDINALITY AS e (event_id, type, version, topic, ordering_key, payload, headers, once_key, position)
    ORDER BY e.position
    ON CONFLICT ON CONSTRAINT outbox_once_key_key DO NOTHING
"""


@dataclass(frozen=True)
class NewEvent:
    """An event that the transaction will leave behind."""

    event_id: uuid.UUID
    spec: EventSpec
    ordering_key: str
    payload: bytes
    headers: dict[str, str]

    @property
    def once_key(self) -> str | None:
        """Return the logical key of an event that may exist only once per aggregate."""
        return f"{self.spec.type}:{self.ordering_key}" if self.spec.once else None


def new_event(event: Message, call: Call) -> NewEvent:
    """Return the outbox form of an event message. Raises LookupError if its type is not declared as an event."""
    spec = spec_of(event.DESCRIPTOR)
    headers = {
        "traceparent": call.traceparent,
        "x-request-id": call.request_id,
        "actor": call.principal.origin or call.principal.subject,
    }
    return NewEvent(new_id(), spec, ordering_key_of(event), event.SerializeToString(deterministic=True), headers)


def insertion(events: Sequence[NewEvent], *, now: datetime, source: str) -> tuple[str, dict[str, Any]]:
    """Return the statement that writes a transaction's events, and its parameters."""
    origin = {"ce-source": f"marketmesh/{source}"}
    return _INSERT, {
        "event_now": now,
        "event_ids": [event.event_id for event in events],
        "event_types": [event.spec.type for event in events],
        "event_versions": [event.spec.version for event in events],
        "event_topics": [event.spec.topic for event in events],
        "event_keys": [event.ordering_key for event in events],
        "event_payloads": [event.payload for event in events],
        "event_headers": [json.dumps({**event.headers, **origin}) for event in events],
        "event_once_keys": [event.once_key for event in events],
    }
