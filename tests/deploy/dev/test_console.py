"""What a developer sees of a service's log: a line for people; the file keeps the JSON."""

from __future__ import annotations

import io
import json
import pathlib
import re
import traceback

import psycopg
import pytest
import structlog
from sqlalchemy.exc import OperationalError

from deploy.dev.console import Console
from deploy.dev.lines import for_people
from deploy.dev.part import Part
from meshkit.obs.logging import configure_logging, get_logger

CLOCK = r"\d\d:\d\d:\d\d"


def heard(folder: pathlib.Path, *lines: str, verbose: bool = False) -> tuple[str, list[str]]:
    """Return what the screen and the log file have of a service's lines."""
    screen = io.StringIO()
    console = Console(folder=folder, verbose=verbose, stream=screen)
    for line in lines:
        console.hear(Part(name="commerce"), line)
    console.close()
    return screen.getvalue(), (folder / "commerce.log").read_text().splitlines()


class TestLines:
    @pytest.fixture
    def logged(self, capsys: pytest.CaptureFixture[str]) -> list[str]:
        """Return what a service writes, by its own logger."""
        before = structlog.get_config()
        configure_logging(service="commerce", environment="dev", level="INFO")
        log = get_logger()
        log.info("rpc", method="GetCart", code="OK")
        try:
            int("no number")
        except ValueError as error:
            log.warning("consumer.failed", event_id="01a2", type="order_created", error="  too\nmuch ", exc_info=error)
            log.exception("job.failed", job="resume")
        structlog.configure(**before)
        return capsys.readouterr().out.splitlines()

    def test_of_warnings_are_for_people_and_the_file_has_them_as_they_were(
        self, tmp_path: pathlib.Path, logged: list[str]
    ) -> None:
        screen, file = heard(tmp_path, *logged)

        shown = [line.partition("| ")[2] for line in screen.splitlines()]
        assert re.fullmatch(
            rf"{CLOCK} WARNING consumer\.failed: too much \(event_id 01a2, type order_created\)", shown[0]
        )
        assert re.fullmatch(rf"{CLOCK} ERROR job\.failed: ValueError: invalid literal .* \(job resume\)", shown[1])
        assert len(shown) == 2
        assert re.match(r" +\d+\.\d\d commerce +\|", screen)
        assert file == logged
        assert [json.loads(line)["event"] for line in file] == ["rpc", "consumer.failed", "job.failed"]

    def test_tell_what_went_wrong_and_nothing_behind_it(self) -> None:
        gone = psycopg.OperationalError(
            "server closed the connection unexpectedly\n\tThis probably means that it died."
        )
        error = OperationalError("SELECT :x", {"x": "jane@example.com"}, gone)
        exception = "".join(traceback.format_exception(error))
        line = json.dumps({"event": "job.failed", "level": "error", "exception": exception})

        assert for_people(line) == (
            "ERROR job.failed: sqlalchemy.exc.OperationalError: (psycopg.OperationalError) server closed the connection"
            " unexpectedly"
        )

    def test_of_everything_are_too_when_all_is_shown(self, tmp_path: pathlib.Path, logged: list[str]) -> None:
        screen, _ = heard(tmp_path, *logged, verbose=True)

        assert "{" not in screen
        assert re.search(rf"{CLOCK} INFO rpc \(method GetCart, code OK\)", screen)

    def test_of_a_crash_too(self, tmp_path: pathlib.Path, logged: list[str]) -> None:
        console = Console(folder=tmp_path, stream=io.StringIO())
        part = Part(name="commerce")
        for line in logged:
            console.hear(part, line)

        assert re.match(rf": {CLOCK} ERROR job\.failed: ValueError", console.last_reason(part))
        console.close()

    @pytest.mark.parametrize(
        "line",
        ["plain", "{not json", "[1]", '{"level": "error"}', '{"event": "no level"}', "{}", "2026 WARNING: disk"],
    )
    def test_of_another_kind_stay(self, line: str) -> None:
        assert for_people(line) == line

    def test_are_no_longer_than_a_person_reads(self) -> None:
        said = json.dumps({"event": "x", "level": "warning", "error": "e" * 5000, "more": "m" * 5000, "ts": "never"})

        told = for_people(said)

        assert told.startswith("WARNING x: eee")
        assert len(told) < 400
