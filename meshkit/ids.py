"""Identifiers: time-ordered for rows, derived for what must come out the same when it is done again."""

from __future__ import annotations

import uuid

import uuid_utils.compat

from meshkit.errors import ValidationError

_NAMESPACE = uuid.UUID("6d61726b-6574-6d65-7368-000000000001")


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: sorts by creation time within this process."""
    return uuid_utils.compat.uuid7()


def derived_id(*parts: object) -> uuid.UUID:
    """Return the same UUIDv5 for the same parts, so that a repeated step names the same object."""
    return uuid.uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))


def parse_id(value: str, *, field: str) -> uuid.UUID:
    """Return the UUID in `value`. Raises ValidationError naming `field`."""
    try:
        return uuid.UUID(value)
    except ValueError:
        raise ValidationError.of(field, "must be a UUID") from None
