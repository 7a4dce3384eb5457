"""What commerce knows of a store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gate:
    """What may be done with a store."""

    store_id: uuid.UUID
    type: str
    name: str
    state: str
    kyc_status: str
    subscription_active: bool
