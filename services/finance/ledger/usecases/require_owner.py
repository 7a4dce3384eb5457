"""Whether an account has an owner exactly if its kind needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from services.finance.ledger.domain.ledger import Flaw, owner_flaw

if TYPE_CHECKING:
    from services.finance.ledger.domain.ledger import Account


def require_owner(account: Account, *, field: str) -> None:
    """Raise ValidationError, which names `field`, unless the account's kind and owner fit together."""
    wrong = owner_flaw(account)
    if wrong:
        needed = "has an owner" if wrong is Flaw.OWNER_MISSING else "is the platform's own"
        raise ValidationError.of(field, f"{account.kind} {needed}")
