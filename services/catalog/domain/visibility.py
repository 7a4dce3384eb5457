"""Who sees whose products (REQUIREMENTS A.6.1)."""

from __future__ import annotations

from dataclasses import dataclass

_VERIFIED = "verified"
_VENDOR = "vendor"


@dataclass(frozen=True)
class Gate:
    """What identity says about a store."""

    type: str
    state: str
    kyc_status: str
    subscription_active: bool

    @property
    def may_buy(self) -> bool:
        """Whether the store may see offers."""
        return self.kyc_status == _VERIFIED

    @property
    def may_sell(self) -> bool:
        """Whether the store's offers may be seen."""
        return self.type == _VENDOR and self.kyc_status == _VERIFIED and self.subscription_active


def can_see(*, buyer: Gate | None, vendor: Gate | None) -> bool:
    """Return whether a store sees another's products; a store nobody has told us about sees and shows nothing."""
    if buyer is None or vendor is None:
        return False
    return buyer.may_buy and vendor.may_sell and buyer.state == vendor.state
