"""Wait for an effect that arrives by event."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class TookTooLong(Exception):
    """Something that should have happened by itself did not."""


def until(what: str, look: Callable[[], Result | None], *, seconds: float = 120.0) -> Result:
    """Look again and again until there is a result. Raises TookTooLong."""
    deadline = time.monotonic() + seconds
    while True:
        result = look()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {seconds:.0f} s for: {what}")
        time.sleep(0.1)
