"""Which events a service consumes, and with what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from meshkit.event_spec import spec_of
from meshkit.events.envelope import Envelope

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.event_spec import EventSpec

Handler = Callable[["Tx", Any], None]
# Handles a set of events, all of different ordering keys; returns those that must be handled one by one.
BatchHandler = Callable[["Tx", list[Any]], Iterable[Any] | None]
# Converts an event of another version to the message that the handlers take.
Decoder = Callable[[Envelope], Any]
NoticeHandler = Callable[["Tx", Envelope], None]


class UnreadableEvent(Exception):
    """An event that no retry can make readable: a version nobody reads any more, or an undecodable payload."""


class NotReadYet(Exception):
    """An event newer than this consumer reads. Its next release may, and may be running beside it already."""


@dataclass(frozen=True)
class Route:
    """How an event type is handled: one by one, or as a set with the rest one by one."""

    decoders: Mapping[int, Decoder]
    each: Handler
    batch: BatchHandler | None = None

    def decode(self, envelope: Envelope) -> Any:
        """Return the event as the handlers take it. Raises UnreadableEvent, NotReadYet."""
        decoder = self.decoders.get(envelope.version)
        if decoder is None:
            read = ", ".join(map(str, sorted(self.decoders)))
            is_newer = envelope.version > max(self.decoders)
            raise (NotReadYet if is_newer else UnreadableEvent)(
                f"{envelope.type} version {envelope.version} is unknown; this consumer reads {read}"
            )
        return decoder(envelope)


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
        self._routes[spec.type] = Route({spec.version: _reader(event)}, handler)
        return self

    def on_batch(self, event: type[Message], handler: BatchHandler, *, each: Handler | None = None) -> Consumer:
        """Handle an event type as sets, in one transaction: `handler` gets `(tx, events)`, no two of one ordering key.

        What it returns is handled by `each`, one by one. Raises ValueError if the type travels on another topic.
        """
        spec = self._spec_of(event)
        self._routes[spec.type] = Route({spec.version: _reader(event)}, each or _left_over, handler)
        return self

    def also(self, event: type[Message], convert: Callable[[Any], Any]) -> Consumer:
        """Read another version of a type that is handled: `convert` makes of it the message that its handlers take.

        So handlers know one shape, and a set may hold both. Raises ValueError if the type is not handled yet, or is in this
        version.
        """
        spec = self._spec_of(event)
        if spec.type not in self._routes:
            raise ValueError(f"{spec.type} is handled by nothing yet: say `on` first")
        route = self._routes[spec.type]
        if spec.version in route.decoders:
            raise ValueError(f"{spec.type} version {spec.version} is read already")
        read = _reader(event)
        decoders = {**route.decoders, spec.version: lambda envelope: convert(read(envelope))}
        self._routes[spec.type] = replace(route, decoders=decoders)
        return self

    def versions(self, event_type: str) -> list[int]:
        """Return the versions of a type that it reads."""
        return sorted(self._routes[event_type].decoders) if event_type in self._routes else []

    def on_notice(self, event_type: str, handler: NoticeHandler) -> Consumer:
        """Handle the object store's notices of a type (`OBJECT_FINALIZE`); they are not events of ours."""
        self._notices[event_type] = handler
        return self

    def set_based(self, event_type: str) -> Route | None:
        """Return the route of a type that is handled as sets, or None."""
        route = self._routes.get(event_type)
        return route if route and route.batch else None

    def handle(self, tx: Tx, envelope: Envelope) -> bool:
        """Decode and handle one; returns False for a type this consumer does not want. Raises UnreadableEvent, NotReadYet."""
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


def _reader(event: type[Message]) -> Decoder:
    """Return a parser for payloads of that message, which raises UnreadableEvent; errors of a converter pass as they are."""

    def read(envelope: Envelope) -> Message:
        try:
            return event.FromString(envelope.payload)
        except Exception as error:
            raise UnreadableEvent(f"{envelope.type}: {error}") from error

    return read


def _left_over(_tx: Tx, event: object) -> None:
    raise TypeError(f"{type(event).__name__} was left over and nothing handles it alone")
