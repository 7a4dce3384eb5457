"""JSON lines on stdout, one logger for the mesh: event names are constants, data goes in fields."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any

import structlog

_SECRET_WORDS = ("password", "token", "secret", "authorization", "signature")


def configure_logging(*, service: str, environment: str, level: str) -> None:
    """Set the process's logging up; call once, before anything logs."""

    def name_process(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"], event["env"] = service, environment
        return event

    structlog.configure(
        processors=[
            name_process,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            _drop_secrets,
            structlog.processors.format_exc_info,
            _to_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")


def get_logger() -> Any:
    """Return the logger."""
    return structlog.get_logger()


def _drop_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if _is_secret(key):
            event[key] = "[redacted]"
    return event


@cache
def _is_secret(key: str) -> bool:
    """Return whether a field's name sounds secret; names are constants of the code, so the cache stays small."""
    return any(word in key for word in _SECRET_WORDS)


# Made once: json.dumps with a default makes a new encoder for every line.
_encode = json.JSONEncoder(default=str).encode


def _to_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return _encode(event)
