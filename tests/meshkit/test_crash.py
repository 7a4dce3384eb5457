"""Crash points: what the chassis offers, and that nobody dies but who is meant."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.empty_pb2 import Empty

from deploy.tools.waiting import until
from marketmesh.catalog.v1 import catalog_internal_service_pb2 as catalog
from meshkit import crash
from meshkit.call import Call
from meshkit.db.tx import Transactions
from meshkit.errors import NotFound
from meshkit.jobs import Job, JobRunner
from meshkit.loops import Loops

METHOD = "/marketmesh.commerce.v1.CartService/Checkout"
LABEL = "ads Checkout tx1.committing"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that arms this process as one of ads, until the test ends."""
    monkeypatch.setattr(crash, "_trap", None)
    crash.arm(service="ads", file=tmp_path / "trap")
    return tmp_path / "trap"


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, how: killed.append((pid, how)))
    return killed


def passed(file: Path) -> list[str]:
    return Path(f"{file}.offered").read_text().splitlines()


class TestBoundaries:
    def test_are_named_by_what_is_at_work_and_how_far_it_is(self, transactions: Transactions, file: Path) -> None:
        Path(f"{file}.offered").touch()
        call = Call(work=METHOD)

        with transactions.write(call):
            pass
        crash.answer_point(call, catalog.ReserveRequest())
        with transactions.write(call):
            pass
        crash.crash_point(METHOD, "answering")

        assert passed(file) == [
            "ads Checkout tx1.committing",
            "ads Checkout tx1.committed",
            "ads Checkout call Reserve.answered",
            "ads Checkout tx2.committing",
            "ads Checkout tx2.committed",
            "ads Checkout answering",
        ]

    def test_are_not_reached_by_what_is_rolled_back(self, transactions: Transactions, file: Path) -> None:
        Path(f"{file}.offered").touch()

        with pytest.raises(NotFound), transactions.write(Call(work=METHOD)):
            raise NotFound

        assert passed(file) == []

    def test_are_none_where_no_work_is_named(self, transactions: Transactions, file: Path) -> None:
        Path(f"{file}.offered").touch()

        with transactions.write(Call()):
            pass
        crash.answer_point(Call(), Empty())

        assert passed(file) == []


class TestLoops:
    """What begins by itself: nobody's call says what is at work."""

    def test_go_by_their_names(self, transactions: Transactions, file: Path) -> None:
        record = Path(f"{file}.offered")
        record.touch()
        stop = threading.Event()

        def sweep(stop: threading.Event) -> None:
            call = Call()
            with transactions.write(call):
                pass
            crash.answer_point(call, catalog.ReserveRequest())
            stop.wait()

        Loops().start("Sweep.run", sweep, until=stop)
        until("it was answered", lambda: "answered" in record.read_text())
        stop.set()

        assert passed(file) == [
            "ads Sweep.run tx1.committing",
            "ads Sweep.run tx1.committed",
            "ads Sweep.run call Reserve.answered",
        ]

    def test_have_jobs_that_go_by_theirs(self, transactions: Transactions, file: Path) -> None:
        record = Path(f"{file}.offered")
        record.touch()
        stop = threading.Event()
        job = Job("probe", timedelta(hours=1), lambda tx: None)

        Loops().start("jobs", JobRunner((job,), transactions).run, until=stop)
        until("it ran", lambda: "committed" in record.read_text())
        stop.set()

        assert passed(file) == ["ads probe tx1.committing", "ads probe tx1.committed"]


class TestDeath:
    def test_comes_once_where_the_file_says(
        self, transactions: Transactions, file: Path, deaths: list[tuple[int, int]]
    ) -> None:
        file.write_text(LABEL)

        for _ in range(2):
            with transactions.write(Call(work=METHOD)):
                pass

        assert deaths == [(os.getpid(), signal.SIGKILL)]
        assert not file.exists()

    @pytest.mark.parametrize("point", ["catalog Checkout tx1.committing", "ads Checkout tx2.committing"])
    def test_is_of_no_other_service_or_step(
        self, transactions: Transactions, file: Path, deaths: list[tuple[int, int]], point: str
    ) -> None:
        file.write_text(point)

        with transactions.write(Call(work=METHOD, request_id=uuid.uuid4().hex)):
            pass

        assert deaths == []
        assert file.read_text() == point
