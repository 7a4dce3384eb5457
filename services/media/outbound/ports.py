"""The object store, as media's use cases and flows see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True)
class StoredObject:
    """What the store knows about an object."""

    size_bytes: int
    content_type: str


class UrlSigner(Protocol):
    """Signs URLs; needs no network."""

    upload_lifetime: timedelta
    read_lifetime: timedelta

    def upload_url(self, key: str, *, content_type: str) -> str:
        """Return a URL to PUT exactly that content type to."""
        ...

    def read_url(self, key: str) -> str:
        """Return a URL to GET the object from."""
        ...


class ObjectFinder(Protocol):
    """Looks at objects."""

    def find(self, key: str) -> StoredObject | None:
        """Return an object, or None. Raises DependencyUnavailable."""
        ...


class BucketMaker(Protocol):
    """Makes the bucket where nobody else does."""

    def ensure_bucket(self) -> None:
        """Create the bucket unless it exists. Raises DependencyUnavailable."""
        ...
