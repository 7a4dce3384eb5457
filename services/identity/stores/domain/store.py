"""Stores, and who belongs to them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple


class Store(NamedTuple):
    """A tenant. `gate_version` counts changes of what other services keep of it."""

    id: uuid.UUID
    type: str
    company_name: str
    dba_name: str
    phone: str
    kyc_status: str
    subscription_active: bool
    address: dict[str, object]
    gate_version: int
    created_at: datetime
    updated_at: datetime
    logo_media_id: uuid.UUID | None
    logo_flow: uuid.UUID | None


class StoreOfPerson(NamedTuple):
    """A store that somebody belongs to, and as what."""

    id: uuid.UUID
    type: str
    company_name: str
    dba_name: str
    kyc_status: str
    subscription_active: bool
    address: dict[str, object]
    created_at: datetime
    updated_at: datetime
    role: str


class VerifiedLicense(NamedTuple):
    """What everybody may know of a store's verified licence."""

    number: str
    type: str


class Owner(NamedTuple):
    """The owner of a store."""

    id: uuid.UUID
    first_name: str
    last_name: str
    email: str
    role: str
