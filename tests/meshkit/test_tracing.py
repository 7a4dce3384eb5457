"""Traces: one trace goes through an RPC and the events it leaves, and is exported when a collector is named."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from deploy.tools.waiting import until
from marketmesh.identity.v1 import admin_service_pb2 as messages
from marketmesh.identity.v1 import admin_service_pb2_grpc as stubs
from meshkit.obs import tracing
from tests.support.otlp_collector import ExportedSpan, OtlpCollector, otlp_collector
from tests.support.service_process import PATIENCE_S, ServiceProcess, Workshop, workshop

_CREATE_AGENT = "/marketmesh.identity.v1.IdentityAdminService/CreateAgent"
_CONSUME = "consume agent_created"
PARENT = "c" * 16


@dataclass
class Traced:
    """Identity and fulfillment, exporting to a collector."""

    shop: Workshop
    collector: OtlpCollector
    identity: ServiceProcess
    fulfillment: ServiceProcess

    def create_agent(self, *, trace_id: str, flags: str) -> None:
        """Create an agent in identity, and wait until fulfillment has heard of it."""
        metadata = (
            ("authorization", f"Bearer {self.shop.admin_token()}"),
            ("idempotency-key", uuid.uuid4().hex),
            ("traceparent", f"00-{trace_id}-{PARENT}-{flags}"),
        )
        email = f"{uuid.uuid4().hex[:12]}@example.com"
        request = messages.CreateAgentRequest(email=email, password="correct horse", first_name="A", last_name="B")
        with grpc.insecure_channel(self.identity.address) as channel:
            stubs.IdentityAdminServiceStub(channel).CreateAgent(request, metadata=metadata, timeout=30)
        self.fulfillment.wait_for_line(event="event", trace_id=trace_id)

    def spans(self, trace_id: str) -> dict[str, ExportedSpan]:
        """Return the two spans of a trace once both have arrived."""
        until("both spans", lambda: len(self.collector.of_trace(trace_id)) >= 2, seconds=PATIENCE_S)
        return self.collector.of_trace(trace_id)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    folder = tmp_path_factory.mktemp("traces")
    with otlp_collector() as collector, workshop(folder, ("identity", "fulfillment")) as shop:
        exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        fulfillment = shop.start("fulfillment", "consume", **exporting)
        identity = shop.start("identity", "run", **exporting)
        identity.wait_for_health("SERVING")
        yield Traced(shop, collector, identity, fulfillment)


class TestExport:
    def test_shows_an_rpc_and_what_came_of_it_as_one_trace(self, traced: Traced) -> None:
        trace_id = uuid.uuid4().hex
        traced.create_agent(trace_id=trace_id, flags="01")

        spans = traced.spans(trace_id)

        assert set(spans) == {_CREATE_AGENT, _CONSUME}
        rpc, consumed = spans[_CREATE_AGENT], spans[_CONSUME]
        assert (rpc.service, rpc.parent_id) == ("identity", PARENT)
        assert (consumed.service, consumed.parent_id) == ("fulfillment", rpc.span_id)
        assert 0 < rpc.seconds < PATIENCE_S

    def test_leaves_out_what_the_caller_did_not_sample(self, traced: Traced) -> None:
        unsampled, sampled = uuid.uuid4().hex, uuid.uuid4().hex
        traced.create_agent(trace_id=unsampled, flags="00")
        traced.create_agent(trace_id=sampled, flags="01")

        # Spans leave in the order in which they end.
        assert traced.spans(sampled)
        assert traced.collector.of_trace(unsampled) == {}


class TestContinueTrace:
    def test_keeps_trace_and_flags_of_the_parent(self) -> None:
        trace = tracing.continue_trace(f"00-{'a' * 32}-{PARENT}-00")

        assert (trace.trace_id, trace.flags) == ("a" * 32, "00")
        assert trace.span_id != PARENT

    @pytest.mark.parametrize("header", [None, "", "junk", f"00-{'a' * 31}-{PARENT}-01", f"01-{'a' * 32}-{PARENT}-01"])
    def test_begins_a_new_one_without_a_readable_parent(self, header: str | None) -> None:
        first, second = tracing.continue_trace(header), tracing.continue_trace(header)

        assert first.trace_id != second.trace_id
        assert tracing.continue_trace(first.traceparent).trace_id == first.trace_id
