"""W3C trace context: taken over from the caller, carried through RPCs, outbox rows and messages, named in every log line.

Spans are exported only when OTEL_EXPORTER_OTLP_ENDPOINT is set; the ids travel always.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


@dataclass(frozen=True)
class Trace:
    """Where a piece of work stands in its trace."""

    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def traceparent(self) -> str:
        """Return the header value that names this work as the parent of what follows."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def continue_trace(traceparent: str | None) -> Trace:
    """Return a child of the given header value, or the root of a new trace when it is missing or malformed."""
    match = _TRACEPARENT.match(traceparent or "")
    if match is None:
        return Trace(secrets.token_hex(16), secrets.token_hex(8))
    return Trace(match[1], secrets.token_hex(8), match[3])


@contextmanager
def span(name: str, *, parent: str | None, service: str) -> Iterator[Trace]:
    """Run a piece of work as a span; yields its place in the trace. Log lines of the block carry the trace's id."""
    with ExitStack() as stack:
        if exporting():
            current = stack.enter_context(_tracer(service).start_as_current_span(name, context=_context(parent)))
            ids = current.get_span_context()
            place = Trace(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", f"{ids.trace_flags:02x}")
        else:
            place = continue_trace(parent)
        stack.enter_context(structlog.contextvars.bound_contextvars(trace_id=place.trace_id))
        yield place


def _context(parent: str | None) -> Context | None:
    match = _TRACEPARENT.match(parent or "")
    if match is None:
        return None
    remote = SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16))
    )
    return set_span_in_context(NonRecordingSpan(remote))


@cache
def exporting() -> bool:
    """Return whether spans go anywhere."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


@cache
def _tracer(service: str) -> trace.Tracer:
    # Imported late: the exporter costs 20 MiB and most processes never export.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("marketmesh")
