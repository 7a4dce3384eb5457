"""A tiny real collector: OTLP over gRPC, keeps the spans it gets."""

from __future__ import annotations

from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as stubs

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class ExportedSpan:
    """A span as it arrived, ids as hexadecimal words."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    seconds: float


class OtlpCollector(stubs.TraceServiceServicer):
    """Keeps what is exported to it."""

    def __init__(self) -> None:
        self.spans: list[ExportedSpan] = []
        self.endpoint = ""

    def Export(
        self, request: messages.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> messages.ExportTraceServiceResponse:
        """Keep the spans."""
        for resource in request.resource_spans:
            names = {item.key: item.value.string_value for item in resource.resource.attributes}
            self.spans += [
                ExportedSpan(
                    service=names["service.name"],
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                )
                for scope in resource.scope_spans
                for span in scope.spans
            ]
        return messages.ExportTraceServiceResponse()

    def of_trace(self, trace_id: str) -> dict[str, ExportedSpan]:
        """Return the spans of a trace by their names."""
        return {span.name: span for span in self.spans if span.trace_id == trace_id}


@contextmanager
def otlp_collector() -> Iterator[OtlpCollector]:
    """Run a collector on a free port."""
    collector = OtlpCollector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    stubs.add_TraceServiceServicer_to_server(collector, server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()
