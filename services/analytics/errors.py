"""Analytics' refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.analytics.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class SubscriptionNeeded(MeshError, enum=_REASONS, reason="SUBSCRIPTION_NEEDED"):
    """Vendor analytics is part of the subscription."""
