"""The KYC status a store derives from its licences (REQUIREMENTS A.7.1)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class LicenseStatus(StrEnum):
    """The states of a licence."""

    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"
    EXPIRED = "expired"


class KycStatus(StrEnum):
    """Whether a store may trade."""

    PENDING_VERIFICATION = "pending_verification"
    VERIFIED = "verified"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUSPENDED = "suspended"


# The strongest fact wins: one verified licence is enough, a rejection outweighs an expiry.
_DERIVED = (
    (LicenseStatus.VERIFIED, KycStatus.VERIFIED),
    (LicenseStatus.REJECTED, KycStatus.REJECTED),
    (LicenseStatus.EXPIRED, KycStatus.EXPIRED),
)


def derive_kyc(statuses: Iterable[LicenseStatus]) -> KycStatus:
    """Return the status that a store's licences give it; no licence at all is pending verification."""
    present = set(statuses)
    for license_status, kyc_status in _DERIVED:
        if license_status in present:
            return kyc_status
    return KycStatus.PENDING_VERIFICATION
