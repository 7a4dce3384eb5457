"""Ads' refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.ads.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class VendorNotEligible(MeshError, enum=_REASONS, reason="VENDOR_NOT_ELIGIBLE"):
    """The vendor has no verified licence or no active subscription."""
