"""Bad input, made of good input: copies of a valid request of which one field each is spoiled."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_INT32_MAX, _INT64_MAX = 2**31 - 1, 2**63 - 1
_NUMBERS: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.TYPE_INT32: (-1, 0, 2, -(2**31), _INT32_MAX),
    FieldDescriptor.TYPE_INT64: (-1, 0, 2**31, -(2**63), _INT64_MAX),
    FieldDescriptor.TYPE_DOUBLE: (-1.5, float("nan"), float("inf"), 1e308),
    FieldDescriptor.TYPE_ENUM: (0, -1, 999, _INT32_MAX),
}
_TEXTS = {
    "empty": "",
    "blank": "   ",
    "no such thing": "no such thing",
    "10 000 characters": "x" * 10_000,
    "10 000 wide characters": "\U0001f33f" * 10_000,
    "NUL": "a\x00b",
    "control characters": "a\x01\x1b\x7f\u0085b",
    "right to left": "a\u202eb",
    "lone line break": "\r\n",
    "quotes": "'; DROP TABLE x; --\"",
}
_NO_IDS = {"unknown id": uuid.uuid4, "nil id": lambda: uuid.UUID(int=0)}
_DEPTH = 3


@dataclass(frozen=True)
class Spoiler:
    """One way to spoil one field of a request."""

    path: str
    how: str
    change: Callable[[Any], None]

    @property
    def is_text(self) -> bool:
        """Whether it is free text, which may be all sorts of things: that it is taken is no news."""
        return self.how in _TEXTS

    @property
    def is_id(self) -> bool:
        """Whether it is the id of something else."""
        return self.how in _NO_IDS or not self.is_text and " " in self.how and self.path.endswith("_id")

    def spoil(self, request: Message) -> Message:
        """Return a spoiled copy."""
        copied = copy.deepcopy(request)
        self.change(copied)
        return copied

    def __str__(self) -> str:
        return f"{self.path}={self.how}"


def is_id(text: str) -> bool:
    """Return whether a text is a UUID as we write them."""
    if "-" not in text:
        return False
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def spoilers(request: Message, *, foreign: dict[str, str]) -> list[Spoiler]:
    """Return every way to spoil a request of this shape. `foreign` are ids of what is not the caller's, by kind.

    Texts come last: one that is taken may bring the object into a state in which nothing else is looked at.
    """
    changes = [Spoiler(*change) for change in _changes(request, lambda root: root, "", foreign, _DEPTH)]
    return sorted(changes, key=lambda change: change.is_text)


_Change = tuple[str, str, Callable[[Any], None]]


def _changes(
    message: Message, at: Callable[[Any], Any], prefix: str, foreign: dict[str, str], depth: int
) -> Iterator[_Change]:
    for field in message.DESCRIPTOR.fields:
        path = f"{prefix}{field.name}"
        if field.is_repeated:
            yield from _of_list(message, field, at, path, foreign, depth)
        elif field.message_type:
            yield from _of_message(message, field, at, path, foreign, depth)
        else:
            for how, value in _values(field, getattr(message, field.name), foreign):
                yield path, how, lambda root, field=field, value=value: setattr(at(root), field.name, value)


def _of_message(
    message: Message,
    field: FieldDescriptor,
    at: Callable[[Any], Any],
    path: str,
    foreign: dict[str, str],
    depth: int,
) -> Iterator[_Change]:
    """Left out, left empty, and every field of it."""
    if message.HasField(field.name):
        yield path, "missing", lambda root: at(root).ClearField(field.name)

    def make_empty(root: Any) -> None:
        at(root).ClearField(field.name)
        getattr(at(root), field.name).SetInParent()

    yield path, "{}", make_empty
    if depth:
        inner = getattr(message, field.name)
        yield from _changes(inner, lambda root: getattr(at(root), field.name), f"{path}.", foreign, depth - 1)


def _of_list(
    message: Message,
    field: FieldDescriptor,
    at: Callable[[Any], Any],
    path: str,
    foreign: dict[str, str],
    depth: int,
) -> Iterator[_Change]:
    """Empty, an empty item, the same item twice, far too many, and every spoiled first item."""
    items = getattr(message, field.name)
    if items:
        yield path, "[]", lambda root: at(root).ClearField(field.name)
        yield path, "the same twice", lambda root: _repeat(getattr(at(root), field.name), 1)
        yield path, "10 000 times", lambda root: _repeat(getattr(at(root), field.name), 10_000)
    if field.message_type:
        yield path, "[{}]", lambda root: getattr(at(root), field.name).add()
        first = items[0] if items else field.message_type._concrete_class()
        index = 0 if items else None

        def item_of(root: Any) -> Any:
            there = getattr(at(root), field.name)
            return there.add() if index is None else there[index]

        if depth:
            yield from _changes(first, item_of, f"{path}[0].", foreign, depth - 1)
        return
    for how, value in _values(field, items[0] if items else "", foreign):
        yield f"{path}[{len(items)}]", how, lambda root, value=value: getattr(at(root), field.name).append(value)


def _repeat(items: Any, times: int) -> None:
    items.extend([copy.deepcopy(items[0]) for _ in range(times)])


def _values(field: FieldDescriptor, valid: Any, foreign: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if field.type in _NUMBERS:
        for number in _NUMBERS[field.type]:
            yield str(number), number
    elif field.type == FieldDescriptor.TYPE_STRING:
        yield from _TEXTS.items()
        if is_id(valid) or field.name.endswith("_id") or field.name.endswith("_ids"):
            yield from ((how, str(make())) for how, make in _NO_IDS.items())
            yield from foreign.items()
    elif field.type == FieldDescriptor.TYPE_BYTES:
        yield "no bytes", b""
        yield "NUL bytes", b"\x00" * 100
        yield "not UTF-8", b"sku,title\n\xff\xfe\x80,x\n"
        yield "a megabyte", b"sku,title\n" + b"x" * 1_100_000
