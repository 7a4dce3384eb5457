"""Whether a store may buy (REQUIREMENTS A.6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.errors import BuyerNotVerified
from services.commerce.store_gates.data import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

VERIFIED = "verified"


def check_buyer(tx: Tx, *, buyer_store_id: uuid.UUID, unverified: bool) -> None:
    """Raise BuyerNotVerified unless the store is verified; with `unverified` it only has to be known.

    A store that identity has not announced yet is always refused, because nobody knows in which state it is. Vendors may
    buy as well.
    """
    gate = store_gates.find(tx, [buyer_store_id]).get(buyer_store_id)
    if gate is None or not unverified:
        require_verified_buyer(kyc_status=gate.kyc_status if gate else None)


def require_verified_buyer(*, kyc_status: str | None) -> None:
    """Raise BuyerNotVerified; None is the status of a store that identity has not announced yet, so not verified."""
    if kyc_status != VERIFIED:
        raise BuyerNotVerified(kyc_status=kyc_status or "pending_verification")
