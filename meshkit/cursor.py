"""Keyset cursors: opaque to clients, they hold the sort key of the last row seen (REQUIREMENTS A.1).

A cursor belongs to one list and its filters: it carries a checksum of the request without `limit` and `cursor`, so that
it cannot go on in the middle of another list, where it would skip rows and say nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from marketmesh.type.v1 import page_pb2
from meshkit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
_SCOPE_BYTES = 6
_OF_THE_PAGE = ("limit", "cursor")


@dataclass(frozen=True)
class Cursor:
    """The instant and id of the last row of a page."""

    at: datetime
    id: uuid.UUID

    def encode(self, scope: str) -> str:
        """Return the opaque text for the list and filters that `scope` stands for."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()}|{self.id}|{scope}".encode()).decode()


Row = TypeVar("Row")


@dataclass(frozen=True)
class Page:
    """How many rows a reader wants, and after which."""

    limit: int
    after: Cursor | None
    scope: str = ""
    current: str = ""

    @classmethod
    def of(cls, request: Message, *, limit: int = 0, list_name: str = "") -> Page:
        """Read `limit` (0 = default 25, capped at 100) and `cursor` of a list's request.

        `limit` is for lists that have their own, `list_name` for those whose kind of request another list has too. Raises
        ValidationError for a cursor of another list or other filters.
        """
        cursor: str = request.cursor  # type: ignore[attr-defined]
        wanted: int = limit or min(getattr(request, "limit", 0) or DEFAULT_LIMIT, MAX_LIMIT)
        scope = _scope_of(request, list_name)
        return cls(limit=wanted, after=_decode(cursor, scope) if cursor else None, scope=scope, current=cursor)

    @property
    def fetch(self) -> int:
        """Rows to read: one more than the page, to know whether there is a next one."""
        return self.limit + 1

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Cursor]) -> tuple[Sequence[Row], str]:
        """Return the page's rows and the next cursor (empty on the last page)."""
        if len(rows) <= self.limit:
            return rows, ""
        return rows[: self.limit], key(rows[self.limit - 1]).encode(self.scope)

    def pagination(self, following: str) -> page_pb2.Pagination:
        """Return where the reader is, for the answer."""
        return page_pb2.Pagination(limit=self.limit, current=self.current, next=following)


def _scope_of(request: Message, list_name: str) -> str:
    filters = type(request)()
    filters.CopyFrom(request)
    for name in _OF_THE_PAGE:
        if name in request.DESCRIPTOR.fields_by_name:
            filters.ClearField(name)
    name = f"{request.DESCRIPTOR.full_name}|{list_name}|" if list_name else f"{request.DESCRIPTOR.full_name}|"
    scoped = name.encode() + filters.SerializeToString(deterministic=True)
    return hashlib.sha256(scoped).hexdigest()[: 2 * _SCOPE_BYTES]


def _decode(text: str, scope: str) -> Cursor:
    try:
        at, row_id, found = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode().split("|")
        when = datetime.fromisoformat(at)
        # Overflows for the first and last day of the calendar with an offset; no cursor of ours looks like that.
        cursor = Cursor(when.astimezone(UTC), uuid.UUID(row_id))
    except (ValueError, OverflowError, binascii.Error):
        raise _foreign() from None
    if when.tzinfo is None or found != scope:
        raise _foreign()
    return cursor


def _foreign() -> ValidationError:
    return ValidationError.of("cursor", "is not a cursor of this list with these filters; start again without one")
