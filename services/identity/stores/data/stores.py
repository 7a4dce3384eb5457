"""SQL about stores and who belongs to them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from meshkit.db.rows import JsonObject
from meshkit.db.sql import sql
from meshkit.ids import new_id
from services.identity.stores.domain.store import Owner, Store, StoreOfPerson, VerifiedLicense

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


_ADD = sql(
    "INSERT INTO stores (id, type, company_name, dba_name, phone, kyc_status, subscription_active, address, gate_version,"
    " created_at, updated_at)"
    " VALUES (:id, :type, :company_name, :dba_name, :phone, 'pending_verification', false, CAST(:address AS jsonb), 1,"
    " :now, :now) RETURNING {columns}",
    Store,
)
_ADD_MEMBER = sql(
    "INSERT INTO memberships (id, store_id, user_id, role, status, created_at)"
    " VALUES (:id, :store_id, :user_id, :role, 'active', :now)"
)
_FIND = sql("SELECT {columns} FROM stores WHERE id = :id", Store)
_LOCK = sql("SELECT {columns} FROM stores WHERE id = :id FOR UPDATE", Store)
_OF_PERSON = sql(
    """
    SELECT s.id, s.type, s.company_name, s.dba_name, s.kyc_status, s.subscription_active, s.address, s.created_at,
           s.updated_at, m.role
    FROM stores s JOIN memberships m ON m.store_id = s.id
    WHERE m.user_id = :user_id AND m.status = 'active' ORDER BY m.created_at, m.id
    """,
    StoreOfPerson,
)
_OWNER = sql(
    """
    SELECT u.id, u.first_name, u.last_name, u.email, m.role
    FROM users u JOIN memberships m ON m.user_id = u.id
    WHERE m.store_id = :store_id AND m.status = 'active' AND m.role = 'owner' ORDER BY m.created_at, m.id LIMIT 1
    """,
    Owner,
)
_VERIFIED_LICENSES = sql(
    "SELECT {columns} FROM licenses WHERE store_id = :store_id AND status = 'verified' ORDER BY created_at, id",
    VerifiedLicense,
)
_CLAIM_LOGO = sql("UPDATE stores SET logo_flow = :flow_id WHERE id = :id")
# What other services keep of a store changes together with its version.
_CHANGE = "UPDATE stores SET gate_version = gate_version + 1, updated_at = :now"
_CHANGE_KYC_STATUS = sql(_CHANGE + ", kyc_status = :kyc_status WHERE id = :id RETURNING {columns}", Store)
_CHANGE_SUBSCRIPTION = sql(_CHANGE + ", subscription_active = :active WHERE id = :id RETURNING {columns}", Store)
_CHANGE_LOGO = sql(_CHANGE + ", logo_media_id = :media_id WHERE id = :id RETURNING {columns}", Store)


def add(
    tx: Tx,
    *,
    store_id: uuid.UUID,
    type: str,  # noqa: A002
    company_name: str,
    dba_name: str,
    phone: str,
    address: JsonObject,
) -> Store:
    """Insert a store that may not trade yet; returns the row."""
    values = {"id": store_id, "type": type, "company_name": company_name, "dba_name": dba_name, "phone": phone}
    return tx.execute(_ADD, {**values, "address": json.dumps(address), "now": tx.now}).one()


def add_member(tx: Tx, *, store_id: uuid.UUID, user_id: uuid.UUID, role: str) -> None:
    """Make a person an active member of a store."""
    tx.execute(_ADD_MEMBER, {"id": new_id(), "store_id": store_id, "user_id": user_id, "role": role, "now": tx.now})


def find(tx: Tx, store_id: uuid.UUID) -> Store | None:
    """Return a store, or None."""
    return tx.execute(_FIND, {"id": store_id}).one_or_none()


def lock(tx: Tx, store_id: uuid.UUID) -> Store | None:
    """Return a store and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": store_id}).one_or_none()


def of_person(tx: Tx, user_id: uuid.UUID) -> list[StoreOfPerson]:
    """Return the stores a person actively belongs to, oldest membership first."""
    return tx.execute(_OF_PERSON, {"user_id": user_id}).all()


def owner_of(tx: Tx, store_id: uuid.UUID) -> Owner | None:
    """Return the longest active owner of a store, or None."""
    return tx.execute(_OWNER, {"store_id": store_id}).one_or_none()


def verified_licenses(tx: Tx, store_id: uuid.UUID) -> list[VerifiedLicense]:
    """Return a store's verified licences, oldest first."""
    return tx.execute(_VERIFIED_LICENSES, {"store_id": store_id}).all()


def claim_logo(tx: Tx, store_id: uuid.UUID, *, flow_id: uuid.UUID) -> None:
    """Note on a locked store which flow changes its logo now; one that began earlier records nothing any more."""
    tx.execute(_CLAIM_LOGO, {"id": store_id, "flow_id": flow_id})


def change_kyc_status(tx: Tx, store_id: uuid.UUID, *, kyc_status: str) -> Store:
    """Set a store's KYC status; returns the store with its raised version."""
    return tx.execute(_CHANGE_KYC_STATUS, {"id": store_id, "kyc_status": kyc_status, "now": tx.now}).one()


def change_subscription(tx: Tx, store_id: uuid.UUID, *, active: bool) -> Store:
    """Switch a store's subscription; returns the store with its raised version."""
    return tx.execute(_CHANGE_SUBSCRIPTION, {"id": store_id, "active": active, "now": tx.now}).one()


def change_logo(tx: Tx, store_id: uuid.UUID, *, media_id: uuid.UUID | None) -> Store:
    """Set which logo a store shows; returns the store with its raised version."""
    return tx.execute(_CHANGE_LOGO, {"id": store_id, "media_id": media_id, "now": tx.now}).one()
