"""What the developer sees, and the log file of every part.

Invariant: every line of a part is in `<folder>/<part>.log`; the screen has the supervisor's own lines and those a part
marks as warnings or worse (all with verbose), the JSON ones as people read them. Called by the supervisor only.
"""

from __future__ import annotations

import collections
import os
import pathlib
import re
import sys
import time
from typing import TextIO

from deploy.dev.lines import for_people
from deploy.dev.part import Part

_COLOURS = (36, 32, 35, 34, 33, 96, 92, 95, 94, 93)
_WIDTH = 20
_TAIL_LINES = 12
_LINE_LIMIT = 400
_NUMBERS = re.compile(r"[0-9a-f-]*[0-9][0-9a-f-]*")
_REPEAT_S = 30.0
_KEEP_BYTES = 10 << 20
_REASON_LIMIT = 200
# The last line of a traceback.
_EXCEPTION = re.compile(r"[\w.]*(?:Error|Exception|Exit|Interrupt)\b")


class Console:
    """Prefixes lines with seconds since the start and the part's name; colours only on a terminal."""

    def __init__(self, *, folder: pathlib.Path, verbose: bool = False, stream: TextIO | None = sys.stdout) -> None:
        self._folder = folder
        self._verbose = verbose
        self._stream = stream
        self._colour = stream is not None and stream.isatty() and "NO_COLOR" not in os.environ
        self._started = time.monotonic()
        self._files: dict[str, TextIO] = {}
        self._tails: dict[str, collections.deque[str]] = {}
        self._in_traceback: set[str] = set()
        self._shown: dict[tuple[str, str], float] = {}
        self.quiet = False  # while stopping, parts complain about each other; only the files get that

    def seconds(self) -> float:
        """Return the seconds since this console was made."""
        return time.monotonic() - self._started

    def say(self, name: str, text: str) -> None:
        """Print a line of the supervisor about `name`."""
        for line in text.splitlines() or [""]:
            self._print(name, line)

    def hear(self, part: Part, line: str) -> None:
        """Take one line of output of a part."""
        self._file(part.name).write(line + "\n")
        self._file(part.name).flush()
        self._tails.setdefault(part.name, collections.deque(maxlen=_TAIL_LINES)).append(line)
        if self._verbose or (not self.quiet and self._worth_showing(part, line) and self._news(part, line)):
            self._print(part.name, for_people(line)[:_LINE_LIMIT])

    def tail(self, name: str) -> list[str]:
        """Return the last lines heard since the last call."""
        return list(self._tails.pop(name, ()))

    def last_reason(self, part: Part) -> str:
        """Return the last line worth showing since the last `tail`, as the end of a sentence; empty without one."""
        lines = [line.strip() for line in self._tails.get(part.name, ()) if line.strip()]
        telling = [line for line in lines if part.shown.search(line) or _EXCEPTION.match(line)]
        return f": {for_people(telling[-1])[:_REASON_LIMIT]}" if telling else ""

    def log_of(self, name: str) -> pathlib.Path:
        """Return where everything is that a part has written."""
        return self._folder / f"{name}.log"

    def close(self) -> None:
        """Close the log files."""
        for stream in self._files.values():
            stream.close()
        self._files.clear()

    def _worth_showing(self, part: Part, line: str) -> bool:
        if part.name in self._in_traceback:
            if not line.startswith(" "):
                self._in_traceback.discard(part.name)  # the last line of a traceback names the exception
            return True
        if line.startswith("Traceback"):
            self._in_traceback.add(part.name)
        return part.shown.search(line) is not None

    def _news(self, part: Part, line: str) -> bool:
        """Return False for a line that, but for its numbers and times, was shown less than half a minute ago."""
        key = (part.name, _NUMBERS.sub("", line))
        if self.seconds() - self._shown.get(key, -_REPEAT_S) < _REPEAT_S:
            return False
        self._shown[key] = self.seconds()
        return True

    def _print(self, name: str, line: str) -> None:
        if self._stream is None:
            return
        prefix = f"{self.seconds():7.2f} {name:{_WIDTH}}|"
        if self._colour:
            prefix = f"\x1b[{_COLOURS[sum(name.encode()) % len(_COLOURS)]}m{prefix}\x1b[0m"
        try:
            print(prefix, line, file=self._stream, flush=True)
        except OSError:
            self._stream = None  # nobody reads any more (`make run | head`); the files go on

    def _file(self, name: str) -> TextIO:
        if name not in self._files:
            path = self._folder / f"{name}.log"
            if path.exists() and path.stat().st_size > _KEEP_BYTES:
                path.replace(path.with_suffix(".log.1"))
            self._files[name] = path.open("a")
        return self._files[name]
