"""Which events a service consumes, and with what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshkit.event_spec import spec_of
from meshkit.events.envelope import Envelope

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.event_spec import EventSpec

Handler = Callable[["Tx", Any], None]
# Gets events of different ordering keys; returns those that it leaves to be handled one by one.
BatchHandler = Callable[["Tx", list[Any]], Iterable[Any] | None]
NoticeHandler = Callable[["Tx", Envelope], None]


class UnreadableEvent(Exception):
    """An event that no retry can make readable: unknown version or undecodable payload."""


@dataclass(frozen=True)
class Route:
    """How an event type is handled: one by one, or as a set with the rest one by one."""

    event: type[Message]
    version: int
    each: Handler
    batch: BatchHandler | None = None

    def decode(self, envelope: Envelope) -> Any:
        """Return the event. Raises UnreadableEvent."""
        if envelope.version != self.version:
            raise UnreadableEvent(
                f"{envelope.type} version {envelope.version} is unknown; this consumer reads {self.version}"
            )
        try:
            return self.event.FromString(envelope.payload)
        except Exception as error:
            raise UnreadableEvent(f"{envelope.type}: {error}") from error


@dataclass
class Consumer:
    """One named consumer: a subscription of its own on one topic. Handlers by event type."""

    name: str
    topic: str
    _routes: dict[str, Route] = field(default_factory=dict)
    _notices: dict[str, NoticeHandler] = field(default_factory=dict)

    @property
    def subscription(self) -> str:
        """Return the subscription's name."""
        return f"{self.name}.{self.topic}"

    @property
    def types(self) -> list[str]:
        """Return the event types it wants."""
        return sorted([*self._routes, *self._notices])

    def on(self, event: type[Message], handler: Handler) -> Consumer:
        """Handle an event type. Raises ValueError if it travels on another topic."""
        spec = self._spec_of(event)
        self._routes[spec.type] = Route(event, spec.version, handler)
        return self

    def on_batch(self, event: type[Message], handler: BatchHandler, *, each: Handler | None = None) -> Consumer:
        """Handle an event type as sets, in one transaction: `handler` gets `(tx, events)`, no two of one ordering key.

        What it returns is handled by `each`, one by one. Raises ValueError if the type travels on another topic.
        """
        spec = self._spec_of(event)
        self._routes[spec.type] = Route(event, spec.version, each or _left_over, handler)
        return self

    def on_notice(self, event_type: str, handler: NoticeHandler) -> Consumer:
        """Handle the object store's notices of a type (`OBJECT_FINALIZE`); they are not events of ours."""
        self._notices[event_type] = handler
        return self

    def set_based(self, event_type: str) -> Route | None:
        """Return the route of a type that is handled as sets, or None."""
        route = self._routes.get(event_type)
        return route if route and route.batch else None

    def handle(self, tx: Tx, envelope: Envelope) -> bool:
        """Decode and handle one; returns False for a type this consumer does not want. Raises UnreadableEvent."""
        notice = self._notices.get(envelope.type)
        if notice is not None:
            notice(tx, envelope)
            return True
        route = self._routes.get(envelope.type)
        if route is None:
            return False
        event = route.decode(envelope)
        for left in (route.batch(tx, [event]) or ()) if route.batch else (event,):
            route.each(tx, left)
        return True

    def _spec_of(self, event: type[Message]) -> EventSpec:
        spec = spec_of(event.DESCRIPTOR)
        if spec.topic != self.topic:
            raise ValueError(f"{spec.type} travels on {spec.topic}, not on {self.topic}")
        return spec


def _left_over(_tx: Tx, event: Any) -> None:
    raise TypeError(f"{type(event).__name__} was left over and nothing handles it alone")
