"""A service's JSON log line as people read it; the log file keeps the JSON. Called by the console."""

from __future__ import annotations

import json
import re
from datetime import datetime

# Shown elsewhere in the line, or of no use on a screen.
_TOLD = ("event", "level", "ts", "service", "env", "error", "exception", "trace_id")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: |$)")
_VALUE_LIMIT = 120
_ERROR_LIMIT = 240


def for_people(line: str) -> str:
    """Return "12:34:56 WARNING what.happened: why (field value, …)" of a log line in JSON, and any other as it is."""
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if not isinstance(said, dict) or not {"event", "level"} <= said.keys():
        return line
    why = _plain(said.get("error") or _last_line(said.get("exception")), limit=_ERROR_LIMIT)
    fields = [
        f"{name} {value}"
        for name in said
        if name not in _TOLD and (value := _plain(said[name], limit=_VALUE_LIMIT)) not in {"", "None"}
    ]
    parts = (_clock(said.get("ts")), str(said["level"]).upper(), _plain(said["event"], limit=_VALUE_LIMIT))
    line = " ".join(part for part in parts if part)
    return line + (f": {why}" if why else "") + (f" ({', '.join(fields)})" if fields else "")


def _clock(instant: object) -> str:
    """Return the time of day where the developer is, as the log's is in UTC."""
    try:
        return datetime.fromisoformat(str(instant)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return ""


def _last_line(exception: object) -> str:
    """Return what a traceback ends with: the exception's name and what it says first.

    Libraries put hints, statements and links behind it, on lines of their own.
    """
    lines = str(exception or "").strip().splitlines()
    named = [line for line in lines if _EXCEPTION.match(line)]
    return (named or lines or [""])[-1]


def _plain(value: object, *, limit: int) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
