"""The object store, as media's use cases and flows see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


@dataclass(frozen=True)
class StoredObject:
    """What the store knows about an object, and how its bytes begin."""

    size_bytes: int
    content_type: str
    # Which contents these facts are of.
    generation: int
    head: bytes


class UrlSigner(Protocol):
    """Signs URLs; needs no network."""

    upload_lifetime: timedelta
    read_lifetime: timedelta

    def upload_url(self, key: str, *, headers: Mapping[str, str]) -> str:
        """Return a URL to PUT to with exactly those headers."""
        ...

    def read_url(self, key: str, *, generation: int | None, mime_type: str) -> str:
        """Return a URL to GET a file's bytes from: those of the generation that was looked at."""
        ...


class ObjectFinder(Protocol):
    """Looks at objects."""

    def find(self, key: str) -> StoredObject | None:
        """Return an object, or None. Raises DependencyUnavailable."""
        ...


class ObjectRemover(Protocol):
    """Removes objects."""

    def remove(self, key: str) -> None:
        """Delete an object; one that is not there is fine. Raises DependencyUnavailable."""
        ...


class BucketMaker(Protocol):
    """Makes the bucket in stacks whose deployment does not."""

    def ensure_bucket(self) -> None:
        """Create the bucket unless it exists. Raises DependencyUnavailable."""
        ...
