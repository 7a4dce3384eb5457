"""What commerce knows of a store."""

from __future__ import annotations

import uuid
from typing import NamedTuple


class Gate(NamedTuple):
    """What a store may do; a row of store_gates."""

    store_id: uuid.UUID
    type: str
    name: str
    state: str
    kyc_status: str
    subscription_active: bool
