"""Parts that messages of every service have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp


def set_time(target: Timestamp, value: datetime | None) -> None:
    """Set a timestamp field, or leave it unset for None."""
    if value is not None:
        target.FromDatetime(value)
