"""Catalog's refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.catalog.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class SkuTaken(MeshError, enum=_REASONS, reason="SKU_TAKEN"):
    """The store has a product with that SKU."""


class PromoTaken(MeshError, enum=_REASONS, reason="PROMO_TAKEN"):
    """The store has a promo with that code."""


class MediaUnusable(MeshError, enum=_REASONS, reason="MEDIA_UNUSABLE"):
    """A file is missing, another store's, of another kind or not uploaded yet."""


class StockHeld(MeshError, enum=_REASONS, reason="STOCK_HELD"):
    """More would be taken out than is available; orders hold the rest."""
