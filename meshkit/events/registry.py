"""Which events a service consumes, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshkit.events.envelope import Envelope, spec_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx

Handler = Callable[["Tx", Any], None]
NoticeHandler = Callable[["Tx", Envelope], None]


class UnreadableEvent(Exception):
    """An event that no retry can make readable: unknown version or undecodable payload."""


@dataclass
class Consumer:
    """One named consumer: a subscription of its own on one topic. Handlers by event type."""

    name: str
    topic: str
    _handlers: dict[str, tuple[type[Message], int, Handler]] = field(default_factory=dict)
    _notices: dict[str, NoticeHandler] = field(default_factory=dict)

    @property
    def subscription(self) -> str:
        """Return the subscription's name."""
        return f"{self.name}.{self.topic}"

    @property
    def types(self) -> list[str]:
        """Return the event types it wants."""
        return sorted([*self._handlers, *self._notices])

    def on(self, event: type[Message], handler: Handler) -> Consumer:
        """Handle an event type. Raises ValueError if it travels on another topic."""
        spec = spec_of(event.DESCRIPTOR)
        if spec.topic != self.topic:
            raise ValueError(f"{spec.type} travels on {spec.topic}, not on {self.topic}")
        self._handlers[spec.type] = (event, spec.version, handler)
        return self

    def on_notice(self, event_type: str, handler: NoticeHandler) -> Consumer:
        """Handle the object store's notices of a type (`OBJECT_FINALIZE`); they are not events of ours."""
        self._notices[event_type] = handler
        return self

    def handle(self, tx: Tx, envelope: Envelope) -> bool:
        """Decode and handle; returns False for a type this consumer does not want. Raises UnreadableEvent."""
        notice = self._notices.get(envelope.type)
        if notice is not None:
            notice(tx, envelope)
            return True
        known = self._handlers.get(envelope.type)
        if known is None:
            return False
        event_class, version, handler = known
        if envelope.version != version:
            raise UnreadableEvent(
                f"{envelope.type} version {envelope.version} is unknown; this consumer reads {version}"
            )
        try:
            event = event_class.FromString(envelope.payload)
        except Exception as error:
            raise UnreadableEvent(f"{envelope.type}: {error}") from error
        handler(tx, event)
        return True
