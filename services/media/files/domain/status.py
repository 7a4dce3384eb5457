"""The life of a file. Every change of status goes through `move`."""

from __future__ import annotations

from enum import StrEnum

from meshkit.errors import StateConflict


class MediaStatus(StrEnum):
    """Where a file stands."""

    PENDING = "pending"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETE_REQUESTED = "delete_requested"
    DELETED = "deleted"
    DELETE_FAILED = "delete_failed"


TRANSITIONS: dict[MediaStatus, frozenset[MediaStatus]] = {
    MediaStatus.PENDING: frozenset({MediaStatus.UPLOADED, MediaStatus.FAILED}),
    MediaStatus.UPLOADED: frozenset({MediaStatus.PROCESSING, MediaStatus.DELETE_REQUESTED}),
    MediaStatus.PROCESSING: frozenset({MediaStatus.READY, MediaStatus.FAILED}),
    MediaStatus.READY: frozenset({MediaStatus.DELETE_REQUESTED}),
    MediaStatus.FAILED: frozenset({MediaStatus.DELETE_REQUESTED}),
    MediaStatus.DELETE_REQUESTED: frozenset({MediaStatus.DELETED, MediaStatus.DELETE_FAILED}),
    MediaStatus.DELETED: frozenset(),
    MediaStatus.DELETE_FAILED: frozenset({MediaStatus.DELETE_REQUESTED}),
}

# The bytes are there and are what was declared: such a file may be read and attached.
USABLE = frozenset({MediaStatus.UPLOADED, MediaStatus.PROCESSING, MediaStatus.READY})


def move(current: MediaStatus, target: MediaStatus) -> MediaStatus:
    """Return `target`. Raises StateConflict when a file may not go there from `current`."""
    if target not in TRANSITIONS[current]:
        raise StateConflict(f"A {current} file cannot become {target}.", state=current.value)
    return target
