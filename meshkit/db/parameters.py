"""Python values as Postgres reads them: their text and, where the context may leave it open, their type."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

# Type numbers of pg_type; 0 lets Postgres decide by the context, as for a quoted literal.
_OPEN, _BOOL, _BYTEA, _TIMESTAMPTZ, _DATE, _NUMERIC, _FLOAT8, _UUID = 0, 16, 17, 1184, 1082, 1700, 701, 2950

Encoded = tuple[bytes | None, int]


def encode(values: Iterable[Any]) -> tuple[list[bytes | None], tuple[int, ...]]:
    """Return the values' texts and types. Raises TypeError for a kind of value no column holds."""
    texts: list[bytes | None] = []
    types: list[int] = []
    for value in values:
        if value is None:
            texts.append(None)
            types.append(_OPEN)
            continue
        text, number = (_ENCODERS.get(type(value)) or _encoder_of(value))(value)
        texts.append(text)
        types.append(number)
    return texts, tuple(types)


def _encode_list(values: Iterable[object]) -> Encoded:
    return b"{" + b",".join(map(_element, values)) + b"}", _OPEN


def _element(value: object) -> bytes:
    if value is None:
        return b"NULL"
    text, _ = (_ENCODERS.get(type(value)) or _encoder_of(value))(value)
    assert text is not None, "only None has no text"
    if type(value) in _BARE:
        return text
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


_ENCODERS: dict[type, Callable[[Any], Encoded]] = {
    str: lambda value: (value.encode(), _OPEN),
    int: lambda value: (b"%d" % value, _OPEN),
    bool: lambda value: (b"t" if value else b"f", _BOOL),
    bytes: lambda value: (b"\\x" + value.hex().encode(), _BYTEA),
    uuid.UUID: lambda value: (value.hex.encode(), _UUID),
    datetime: lambda value: (value.isoformat().encode(), _TIMESTAMPTZ),
    date: lambda value: (value.isoformat().encode(), _DATE),
    float: lambda value: (repr(value).encode(), _FLOAT8),
    Decimal: lambda value: (str(value).encode(), _NUMERIC),
    list: _encode_list,
    tuple: _encode_list,
}
# Their texts need no quotes inside an array.
_BARE = {int, bool, uuid.UUID, float, Decimal}


def _encoder_of(value: object) -> Callable[[Any], Encoded]:
    """Return the encoder of a subclass: the words of an enumeration, mostly."""
    if isinstance(value, Enum):
        return lambda each: (_ENCODERS[type(each.value)])(each.value)
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return encoder
    raise TypeError(f"{type(value).__name__} is not a value that a column holds")
