"""Endless threads: none dies unseen."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from deploy.dev.stack import Embedded
from deploy.tools.waiting import until
from meshkit import loops
from meshkit.errors import Unauthenticated
from meshkit.loops import Heart, Loops
from meshkit.obs.metrics import LOOP_FAILURES, LOOP_SILENT_SECONDS, REVOCATIONS_AGE_SECONDS, REVOCATIONS_UNREADABLE
from meshkit.principal import Audience, Principal
from meshkit.revocation import REDIS_KEY, Revocations

SIGNED_OUT = "0190a000-0000-7000-8000-000000000001"


def value_of(metric: Any) -> float:
    (sample,) = [each for each in metric.collect()[0].samples if not each.name.endswith("_created")]
    return float(sample.value)


@pytest.fixture
def client(embedded_stack: Embedded) -> Iterator[redis.Redis]:
    """Return Redis with a database of its own."""
    client = redis.Redis.from_url(embedded_stack.addresses.redis_url.removesuffix("/0") + "/7")
    client.delete(REDIS_KEY)
    yield client
    client.delete(REDIS_KEY)
    client.close()


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    monkeypatch.setattr(loops, "_AGAIN_SECONDS", 0.001)
    stop = threading.Event()
    yield stop
    stop.set()


def is_refused(revocations: Revocations) -> bool:
    principal = Principal(audience=Audience.STORE, session_id=uuid.UUID(SIGNED_OUT), claims={"mms": 5})
    try:
        revocations.check(principal)
    except Unauthenticated:
        return True
    return False


class TestRevocations:
    @pytest.mark.parametrize("garbage", ["not-a-number", "", b"\xff\xfe", "1e3", "NaN"])
    def test_skip_and_count_an_entry_that_is_none(
        self, client: redis.Redis, stop: threading.Event, garbage: str | bytes
    ) -> None:
        client.hset(REDIS_KEY, mapping={"x": garbage, b"\xff": garbage})
        before = value_of(REVOCATIONS_UNREADABLE)
        running, revocations = Loops(), Revocations(client)

        running.start("revocations-under-test", revocations.run, until=stop)
        until("the garbage is counted", lambda: value_of(REVOCATIONS_UNREADABLE) >= before + 2)
        client.hset(REDIS_KEY, SIGNED_OUT, "6")

        until("who signs out afterwards is out", lambda: is_refused(revocations))
        assert (running.dead(), value_of(LOOP_FAILURES.labels("revocations-under-test"))) == ([], 0)

    def test_keep_what_they_knew_of_an_entry_that_became_unreadable(
        self, client: redis.Redis, stop: threading.Event
    ) -> None:
        client.hset(REDIS_KEY, SIGNED_OUT, "6")
        revocations = Revocations(client)
        Loops().start("revocations-kept", revocations.run, until=stop)
        until("who signed out is out", lambda: is_refused(revocations))
        before = value_of(REVOCATIONS_UNREADABLE)

        client.hset(REDIS_KEY, SIGNED_OUT, "garbage")

        until("the garbage is read twice", lambda: value_of(REVOCATIONS_UNREADABLE) >= before + 2)
        assert is_refused(revocations)

    def test_have_an_age_that_grows_while_nobody_refreshes_them(self, stop: threading.Event) -> None:
        stop.set()
        revocations = Revocations(None)
        revocations.run(stop)

        revocations._fresh_at -= 3600

        assert value_of(REVOCATIONS_AGE_SECONDS) >= 3600


class TestLoops:
    @pytest.mark.parametrize("error", [RuntimeError("a defect"), SystemExit(3), KeyboardInterrupt()])
    def test_start_again_whatever_ended_them(self, stop: threading.Event, error: BaseException) -> None:
        name, lives = f"fails-{type(error).__name__}", iter(range(3))
        reached = threading.Event()

        def loop(_: threading.Event) -> None:
            if next(lives) < 2:
                raise error
            reached.set()
            stop.wait()

        running = Loops()
        running.start(name, loop, until=stop)

        assert reached.wait(30)
        assert (running.dead(), value_of(LOOP_FAILURES.labels(name))) == ([], 2)

    def test_start_again_and_count_one_that_just_returned(self, stop: threading.Event) -> None:
        running = Loops()

        running.start("returns", lambda _: None, until=stop)

        until("it was started again", lambda: value_of(LOOP_FAILURES.labels("returns")) >= 2)
        assert running.dead() == []

    def test_end_when_told_to(self, stop: threading.Event) -> None:
        running = Loops()
        running.start("obeys", lambda heart: heart.wait() and None, until=stop)

        stop.set()
        running.join(seconds=30)

        assert threading.active_count() == len([each for each in threading.enumerate() if each.name != "obeys"])

    def test_name_a_thread_that_died_all_the_same(self, stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loops, "_run", lambda *_: None)
        running = Loops()

        running.start("dies", lambda _: None, until=stop)
        running.join(seconds=30)

        assert running.dead() == ["dies"]


class TestHeart:
    def test_measures_silence_until_the_loop_looks_again(self) -> None:
        heart = Heart(threading.Event())
        LOOP_SILENT_SECONDS.labels("hangs").set_function(heart.silent_s)

        heart._beat_at -= 3600
        silent = value_of(LOOP_SILENT_SECONDS.labels("hangs"))
        heart.is_set()

        assert silent >= 3600 > value_of(LOOP_SILENT_SECONDS.labels("hangs"))
