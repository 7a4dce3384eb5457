"""A clock that jumps ahead and is put back: what was noted in the future holds nothing up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from marketmesh.ads.v1 import ad_service_pb2 as ads
from meshkit import clock as clock_module
from meshkit import idempotency
from meshkit.call import Call
from meshkit.clock import FixedClock, MovedClock
from meshkit.db.tx import Transactions
from meshkit.errors import DependencyUnavailable, IdempotencyInProgress
from meshkit.events.relay import LEASE, Relay
from meshkit.grpc.channel import Channel
from meshkit.jobs import Job, JobRunner
from meshkit.resume import FlowResumer
from meshkit.service import Process
from meshkit.service_keys import ServiceKey
from tests.support.events import emit
from tests.support.mesh_harness import MeshHarness

JUMP = timedelta(minutes=5)


@contextmanager
def ahead(mesh: MeshHarness, jump: timedelta = JUMP) -> Iterator[None]:
    """Let the clock be ahead, then put it back."""
    mesh.clock.advance(jump)
    yield
    mesh.clock.advance(-jump)


class TestMovedClock:
    @pytest.mark.parametrize(
        ("told", "offset_s"), [("probe 300", 300), ("other 5\nprobe -240.5\n", -240.5), ("other 5", 0), ("", 0)]
    )
    def test_is_off_by_what_the_file_says(self, tmp_path: Path, told: str, offset_s: float) -> None:
        file = tmp_path / "clocks"
        file.write_text(told)

        off = MovedClock(service="probe", file=file).now() - datetime.now(UTC)

        assert off.total_seconds() == pytest.approx(offset_s, abs=2)

    def test_reads_the_file_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock_module, "REREAD_SECONDS", 0)
        file = tmp_path / "clocks"
        clock = MovedClock(service="probe", file=file)
        before = clock.now()

        file.write_text("probe 3600")

        assert clock.now() - before > timedelta(minutes=59)

    def test_is_the_clock_of_a_process_that_is_told_so(self, mesh: MeshHarness, tmp_path: Path) -> None:
        of_ads = mesh.process("ads")
        told = of_ads.mesh.model_copy(update={"clock_file": tmp_path / "clocks"})

        process = Process(of_ads.spec, told)
        process.database.close()

        assert type(process.clock) is MovedClock


class TestRelay:
    def test_publishes_what_was_emitted_in_the_future(
        self, transactions: Transactions, relay: Relay, mesh: MeshHarness
    ) -> None:
        with ahead(mesh):
            emit(transactions, "u")

        assert relay.relay_once() == 1

    def test_takes_over_a_lease_that_ends_too_late(
        self, transactions: Transactions, relay: Relay, mesh: MeshHarness
    ) -> None:
        emit(transactions, "u")
        with ahead(mesh):
            _lease(transactions, LEASE)

        assert relay.relay_once() == 1

    def test_leaves_a_lease_that_may_be_one(self, transactions: Transactions, relay: Relay) -> None:
        emit(transactions, "u")
        _lease(transactions, LEASE)

        assert relay.relay_once() == 0


class TestIdempotency:
    def test_a_flow_begun_in_the_future_can_be_taken_up(self, transactions: Transactions, mesh: MeshHarness) -> None:
        key = _key()
        with ahead(mesh):
            begun = _claim(transactions, key)

        assert _claim(transactions, key) == begun

    def test_a_flow_begun_now_can_not(self, transactions: Transactions) -> None:
        key = _key()
        _claim(transactions, key)

        with pytest.raises(IdempotencyInProgress):
            _claim(transactions, key)

    def test_one_that_was_given_up_stays_so(self, transactions: Transactions) -> None:
        key = _key()
        _claim(transactions, key)
        with transactions.write(Call()) as tx:
            tx.execute(text("UPDATE idempotency_keys SET lease_until = expires_at + interval '24 hours'"))

        with pytest.raises(IdempotencyInProgress):
            _claim(transactions, key)

    def test_the_resume_job_finds_it(
        self, transactions: Transactions, mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found: list[str] = []
        monkeypatch.setattr(FlowResumer, "_resume", lambda self, row: found.append(row.key))
        with transactions.write(Call()) as tx:
            tx.execute(text("DELETE FROM idempotency_keys"))
        now, future = _key(), _key()
        _claim(transactions, now)
        with ahead(mesh):
            _claim(transactions, future)

        FlowResumer(mesh.process("ads").unit_of_work, {}, {}).resume_all(transactions)

        assert found == [future.key]


class TestJobRunner:
    def test_goes_on_after_ticks_in_the_future(self, transactions: Transactions, mesh: MeshHarness) -> None:
        ticks: list[datetime] = []
        runner = JobRunner((Job("moved", timedelta(seconds=10), lambda tx: ticks.append(tx.now)),), transactions)
        with ahead(mesh):
            runner.run_due()

        runner.run_due()
        runner.run_due()

        assert len(ticks) == 2


class TestChannel:
    def test_renews_a_token_of_the_future(self) -> None:
        clock = FixedClock(datetime.now(UTC))
        channel = _channel(clock)
        clock.advance(JUMP)
        future = channel._service_token()

        clock.advance(-JUMP)

        assert channel._service_token() not in {future, ""}
        assert channel._service_token() == channel._service_token()

    def test_takes_a_token_that_does_not_count_for_an_absence(self, mesh: MeshHarness) -> None:
        channel = _channel(FixedClock(mesh.clock.now() + JUMP), key=mesh.service_key("commerce"))
        mesh.start("ads")
        channel.grpc = mesh._running["ads"].channel
        stub: Any = mesh.stub(_stub_of_ads(), "ads")

        with pytest.raises(DependencyUnavailable):
            channel.call(stub.ServeAd, ads.ServeAdRequest(placement=1), call=Call())


def _stub_of_ads() -> type[Any]:
    from marketmesh.ads.v1 import ad_service_pb2_grpc

    stub: type[Any] = ad_service_pb2_grpc.AdServiceStub
    return stub


def _channel(clock: FixedClock, *, key: ServiceKey | None = None) -> Channel:
    key = key or ServiceKey("commerce", ec.generate_private_key(ec.SECP256R1()))
    return Channel(key=key, target="ads", address="127.0.0.1:1", clock=clock)


def _key() -> idempotency.Key:
    request = ads.ServeAdRequest(placement=1)
    return idempotency.Key.of(
        principal="p", method="m", key=uuid.uuid4().hex, request=request, keep=timedelta(hours=24), secret=b"s"
    )


def _claim(transactions: Transactions, key: idempotency.Key) -> Any:
    with transactions.write(Call()) as tx:
        return idempotency.claim(tx, key, flow=idempotency.FlowClaim(b"", {}))


def _lease(transactions: Transactions, lease: timedelta) -> None:
    with transactions.write(Call()) as tx:
        tx.execute(
            text("UPDATE outbox SET lease_token = CAST(:token AS uuid), lease_until = :until"),
            {"token": str(uuid.uuid4()), "until": tx.now + lease},
        )
