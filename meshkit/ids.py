"""Identifiers: time-ordered for rows, derived for what must come out the same when it is done again."""

from __future__ import annotations

import uuid

import uuid_utils.compat

from meshkit.errors import ValidationError

_NAMESPACE = uuid.UUID("6d61726b-6574-6d65-7368-000000000001")

# Of a UUID's 128 bits: 48 of time, 4 of version, 76 of hash, the variant among them.
_TIME, _HASH, _VERSION_AT = (1 << 128) - (1 << 80), (1 << 76) - 1, 76
_WITH_TIME = frozenset({7, 8})


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: sorts by creation time within this process."""
    return uuid_utils.compat.uuid7()


def derived_id(*parts: object) -> uuid.UUID:
    """Return the same UUID for the same parts, so that a repeated step names the same object.

    It carries the time of the first part that is a UUID with one (version 8 of RFC 9562: 48 bits of time, then hash), so
    that what is made together lies together in every index; without such a part it is a UUIDv5.
    """
    hashed = uuid.uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
    source = next((part for part in parts if isinstance(part, uuid.UUID) and part.version in _WITH_TIME), None)
    if source is None:
        return hashed
    return uuid.UUID(int=source.int & _TIME | 8 << _VERSION_AT | hashed.int & _HASH)


def parse_id(value: str, *, field: str) -> uuid.UUID:
    """Return the UUID in `value`. Raises ValidationError naming `field`."""
    try:
        return uuid.UUID(value)
    except ValueError:
        raise ValidationError.of(field, "must be a UUID") from None
