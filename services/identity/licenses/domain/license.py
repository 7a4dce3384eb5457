"""Licences of stores."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import NamedTuple


class License(NamedTuple):
    """A licence of a store."""

    id: uuid.UUID
    store_id: uuid.UUID
    status: str
    media_id: uuid.UUID
    issuing_state: str
    issue_date: date | None
    expiration_date: date | None
    type: str
    number: str
    reason: str
    created_at: datetime
    decided_at: datetime | None


class LicensedStore(NamedTuple):
    """The store that a licence belongs to."""

    id: uuid.UUID
    type: str
    company_name: str
    dba_name: str
    kyc_status: str
    subscription_active: bool
    address: dict[str, object]
    created_at: datetime
    updated_at: datetime


class PendingLicense(NamedTuple):
    """A licence that waits for its verification, and whose it is."""

    id: uuid.UUID
    store_id: uuid.UUID
    status: str
    media_id: uuid.UUID
    issuing_state: str
    issue_date: date | None
    expiration_date: date | None
    type: str
    number: str
    reason: str
    created_at: datetime
    decided_at: datetime | None
    store_type: str
    store_company_name: str
    store_dba_name: str
    store_kyc_status: str
    store_subscription_active: bool
    store_address: dict[str, object]
    store_created_at: datetime
    store_updated_at: datetime

    @property
    def store(self) -> LicensedStore:
        """Return the store that filed it."""
        return LicensedStore(
            self.store_id,
            self.store_type,
            self.store_company_name,
            self.store_dba_name,
            self.store_kyc_status,
            self.store_subscription_active,
            self.store_address,
            self.store_created_at,
            self.store_updated_at,
        )
