"""The life of a hold: money of an account that is kept back."""

from __future__ import annotations

from enum import StrEnum


class HoldStatus(StrEnum):
    """Whether the money is still kept back."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class HoldAction(StrEnum):
    """What can happen to a hold."""

    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


# Source: ARCHITECTURE section 7. What is not here is refused.
TRANSITIONS: dict[tuple[HoldStatus, HoldAction], HoldStatus] = {
    (HoldStatus.PENDING, HoldAction.POST): HoldStatus.POSTED,
    (HoldStatus.PENDING, HoldAction.VOID): HoldStatus.VOIDED,
    (HoldStatus.PENDING, HoldAction.EXPIRE): HoldStatus.EXPIRED,
}


def next_status(status: HoldStatus, action: HoldAction) -> HoldStatus | None:
    """Return the status after an action, or None when the action is not possible now."""
    return TRANSITIONS.get((status, action))
