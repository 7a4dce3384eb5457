"""What catalog needs from outside, as its flows see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping, Sequence

    from meshkit.call import Call


class Galleries(Protocol):
    """Keeps files attached to the products that show them."""

    def attach(
        self, call: Call, *, product_id: uuid.UUID, store_id: uuid.UUID, media_ids: Sequence[uuid.UUID]
    ) -> list[tuple[uuid.UUID, str]]:
        """Attach exactly these; returns ids with object keys, in order. Raises RemoteRefusal, DependencyUnavailable."""
        ...

    def attach_coa(self, call: Call, *, product_id: uuid.UUID, store_id: uuid.UUID, media_id: uuid.UUID | None) -> None:
        """Make a file the product's certificate of analysis, or none; idempotent. Raises as `attach`."""
        ...

    def detach_all(self, call: Call, *, product_id: uuid.UUID, store_id: uuid.UUID) -> None:
        """Detach; idempotent. Raises DependencyUnavailable."""
        ...


class Checkouts(Protocol):
    """Knows which checkouts became orders."""

    def settle(self, call: Call, group_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Return the groups that became orders; the others never will. Raises DependencyUnavailable."""
        ...


class PictureReader(Protocol):
    """Gives out URLs of files that readers of a product may see."""

    def read_urls(self, call: Call, media_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """Return URLs of those that may be read, in one call. Raises DependencyUnavailable."""
        ...
