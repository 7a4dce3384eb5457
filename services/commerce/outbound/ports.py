"""What commerce needs from outside, as its flows see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence

    from meshkit.call import Call
    from services.commerce.cart.domain.quote import ProductFacts, Promo, PromoCode


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """The products and promos that exist, all read at one moment; `promos` are keyed by what was asked for."""

    products: Mapping[uuid.UUID, ProductFacts]
    promos: Mapping[PromoCode, Promo]


@dataclass(frozen=True, slots=True)
class StockLine:
    """Stock that one order line needs."""

    line_id: uuid.UUID
    order_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int


class Catalog(Protocol):
    """Knows products and keeps stock. Every method raises DependencyUnavailable when it is away."""

    def quote_facts(self, call: Call, *, product_ids: Iterable[uuid.UUID], promos: Iterable[PromoCode]) -> CatalogFacts:
        """Return everything a quote needs in one call."""
        ...

    def reserve(
        self, call: Call, *, group_id: uuid.UUID, lines: Sequence[StockLine], expires_in_s: int
    ) -> dict[uuid.UUID, str]:
        """Reserve what fits; returns refused lines with their reasons. The same group again gets the same answer."""
        ...

    def release(self, call: Call, *, group_id: uuid.UUID) -> None:
        """Give a group's reserved stock back; idempotent."""
        ...
