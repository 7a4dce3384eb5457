"""What ads needs from outside, as its flows see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid

    from meshkit.call import Call


class Products(Protocol):
    """Knows whose a product is."""

    def owner_of(self, call: Call, product_id: uuid.UUID) -> uuid.UUID | None:
        """Return the store that sells a product, None when there is no such product. Raises DependencyUnavailable."""
        ...
