"""Keyset cursors: opaque to clients, they hold the sort key of the last row seen (REQUIREMENTS A.1)."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from meshkit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_LIMIT = 25
MAX_LIMIT = 100


@dataclass(frozen=True)
class Cursor:
    """The instant and id of the last row of a page."""

    at: datetime
    id: uuid.UUID

    def encode(self) -> str:
        """Return the opaque text."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()}|{self.id}".encode()).decode()


class _Paged(Protocol):
    @property
    def limit(self) -> int: ...
    @property
    def cursor(self) -> str: ...


Row = TypeVar("Row")


@dataclass(frozen=True)
class Page:
    """How many rows a reader wants, and after which."""

    limit: int
    after: Cursor | None

    @classmethod
    def of(cls, request: _Paged) -> Page:
        """Read `limit` (0 = default 25, capped at 100) and `cursor`. Raises ValidationError for a foreign cursor."""
        limit = min(request.limit or DEFAULT_LIMIT, MAX_LIMIT)
        return cls(limit=limit, after=_decode(request.cursor) if request.cursor else None)

    @property
    def fetch(self) -> int:
        """Rows to read: one more than the page, to know whether there is a next one."""
        return self.limit + 1

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Cursor]) -> tuple[Sequence[Row], str]:
        """Return the page's rows and the next cursor (empty on the last page)."""
        if len(rows) <= self.limit:
            return rows, ""
        return rows[: self.limit], key(rows[self.limit - 1]).encode()


def _decode(text: str) -> Cursor:
    try:
        at, _, row_id = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode().partition("|")
        cursor = Cursor(datetime.fromisoformat(at), uuid.UUID(row_id))
    except (ValueError, binascii.Error):
        raise ValidationError.of("cursor", "is not a cursor of this list; start again without one") from None
    if cursor.at.tzinfo is None:
        raise ValidationError.of("cursor", "is not a cursor of this list; start again without one")
    return cursor
