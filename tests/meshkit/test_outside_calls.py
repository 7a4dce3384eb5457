"""No connection is held while others are asked: how a reading lets go of its own, and that the watch sees who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.empty_pb2 import Empty

from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import Channel

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from tests.support.mesh_harness import MeshHarness
    from tests.support.outside_calls import OutsideCalls

_ONE = sql("SELECT 1 AS one")


@pytest.fixture
def ask(mesh: MeshHarness) -> Any:
    """Return what asks a service that is not there."""
    channel = Channel(key=mesh.service_key("ads"), target="media", address="127.0.0.1:1", clock=mesh.clock)
    method = channel.grpc.unary_unary("/any/Method", request_serializer=Empty.SerializeToString)

    def call(tx: Tx, *, on_behalf_of: Call) -> None:
        assert tx is not None
        with pytest.raises(DependencyUnavailable):
            channel.call(method, Empty(), call=on_behalf_of, timeout_s=0.2)

    return call


class TestReading:
    def test_holds_nothing_while_others_are_asked_and_goes_on_after(
        self, mesh: MeshHarness, outside_calls: OutsideCalls, ask: Any
    ) -> None:
        with mesh.process("ads").transactions.read(Call()) as tx:
            tx.execute(_ONE)
            ask(tx, on_behalf_of=tx.outside())
            held = outside_calls.held
            after = tx.execute(_ONE).one().one

        assert (held, after, outside_calls.held, outside_calls.wrong) == (0, 1, 0, [])

    def test_that_holds_its_connection_is_seen(self, mesh: MeshHarness, outside_calls: OutsideCalls, ask: Any) -> None:
        with mesh.process("ads").transactions.read(Call()) as tx:
            tx.execute(_ONE)
            ask(tx, on_behalf_of=tx.call)

        assert len(outside_calls.wrong) == 1
        assert "Channel.call" in outside_calls.wrong.pop()


class TestTransaction:
    def test_cannot_ask_anybody(self, mesh: MeshHarness) -> None:
        with pytest.raises(AssertionError), mesh.process("ads").transactions.write(Call()) as tx:
            tx.outside()
