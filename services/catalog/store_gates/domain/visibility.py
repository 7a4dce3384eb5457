"""Who sees whose products (REQUIREMENTS A.6.1)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

_VERIFIED = "verified"
_VENDOR = "vendor"


@dataclass(frozen=True)
class Gate:
    """What a store may do, as identity announces it."""

    type: str
    state: str
    kyc_status: str
    subscription_active: bool

    def may_browse(self, *, unverified: bool) -> bool:
        """Whether the store sees offers and prices: with a verified licence, or where `unverified` stores do."""
        return unverified or self.kyc_status == _VERIFIED

    @property
    def may_sell(self) -> bool:
        """Whether the store's offers may be seen."""
        return self.type == _VENDOR and self.kyc_status == _VERIFIED and self.subscription_active


class VisibilityFacts(NamedTuple):
    """What decides who sees a product, and since when each is so. None: identity has not announced the store."""

    store_id: uuid.UUID
    is_active: bool
    active_since: datetime
    in_stock: bool
    is_known: bool
    type: str | None
    state: str | None
    kyc_status: str | None
    subscription_active: bool | None
    type_since: datetime | None
    state_since: datetime | None
    kyc_status_since: datetime | None
    subscription_active_since: datetime | None


class GateName(StrEnum):
    """What stands between a product and its buyers."""

    PRODUCT_ACTIVE = "product_active"
    VENDOR_TYPE = "vendor_type"
    VENDOR_VERIFIED = "vendor_verified"
    VENDOR_SUBSCRIBED = "vendor_subscribed"
    SAME_STATE = "same_state"


# What opens each gate; the KYC status says more.
_FIXES = {
    GateName.PRODUCT_ACTIVE: "Switch the product on: update it with is_active true.",
    GateName.VENDOR_TYPE: "Only vendor stores sell; register one.",
    GateName.VENDOR_SUBSCRIBED: "Subscribe the store, or bring its payments in order.",
    GateName.SAME_STATE: "Buyers of another state never see it; a store of that state would have to offer it.",
}
_KYC_FIXES = {
    "pending_verification": "File a licence, or wait until it is verified.",
    "rejected": "File another licence; the last one was rejected.",
    "expired": "File a licence that is valid; the last one has expired.",
    "suspended": "Ask the marketplace; the store is suspended.",
}
_UNKNOWN = "Wait a moment: the store is new, and catalog has not heard of it from identity yet."


@dataclass(frozen=True)
class GateState:
    """How one gate stands, since when if known, and what opens it (empty when it is open)."""

    name: GateName
    open: bool
    value: str
    since: datetime | None
    fix: str


def explain(facts: VisibilityFacts, *, buyer_state: str) -> list[GateState]:
    """Return every gate of a product in the order in which they are looked at; no `buyer_state` means the vendor's own."""

    def gate(name: GateName, is_open: bool, value: str, since: datetime | None, fix: str = "") -> GateState:  # noqa: FBT001
        return GateState(name, is_open, value, since, "" if is_open else (fix or _FIXES[name]))

    unknown = "" if facts.is_known else _UNKNOWN
    return [
        gate(GateName.PRODUCT_ACTIVE, facts.is_active, "active" if facts.is_active else "inactive", facts.active_since),
        gate(GateName.VENDOR_TYPE, facts.type == _VENDOR, facts.type or "unknown", facts.type_since, unknown),
        gate(
            GateName.VENDOR_VERIFIED,
            facts.kyc_status == _VERIFIED,
            facts.kyc_status or "unknown",
            facts.kyc_status_since,
            unknown or _KYC_FIXES.get(facts.kyc_status or "", _KYC_FIXES["pending_verification"]),
        ),
        gate(
            GateName.VENDOR_SUBSCRIBED,
            bool(facts.subscription_active),
            "active" if facts.subscription_active else "none",
            facts.subscription_active_since,
            unknown,
        ),
        gate(
            GateName.SAME_STATE,
            facts.is_known and buyer_state in {"", facts.state},
            facts.state or "unknown",
            facts.state_since,
            unknown,
        ),
    ]


def can_see(*, buyer: Gate | None, vendor: Gate | None, unverified: bool) -> bool:
    """Return whether a store sees another's products; a store that identity has not announced sees and shows nothing.

    `unverified`: whether stores without a verified licence see any.
    """
    if buyer is None or vendor is None:
        return False
    return buyer.may_browse(unverified=unverified) and vendor.may_sell and buyer.state == vendor.state
