"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict, ParseDict

from marketmesh.identity.v1 import (
    store_pb2,
)
from marketmesh.type.v1 import address_pb2
from meshkit.messages import set_time

if TYPE_CHECKING:
    from meshkit.db.rows import JsonObject
    from services.identity.licenses.domain.license import LicensedStore
    from services.identity.stores.domain.store import Store
    from services.identity.stores.usecases.read_store import StoreProfile


def store_message(row: Store | LicensedStore) -> store_pb2.Store:
    """Return a store."""
    message = store_pb2.Store(
        id=str(row.id),
        type=row.type,
        company_name=row.company_name,
        dba_name=row.dba_name,
        kyc_status=row.kyc_status,
        subscription_active=row.subscription_active,
        # Addresses from before lat and lng had to be given leave a zero out.
        address=ParseDict({"lat": 0, "lng": 0, **row.address}, address_pb2.Address()),
    )
    set_time(message.created_at, row.created_at)
    set_time(message.updated_at, row.updated_at)
    return message


def own_store_message(profile: StoreProfile, *, logo_url: str) -> store_pb2.Store:
    """Return a store as its own people see it."""
    message, owner = store_message(profile.store), profile.owner
    message.phone = profile.store.phone
    message.logo_media_id, message.logo_url = str(profile.store.logo_media_id or ""), logo_url
    message.licenses.extend(_license_summaries(profile))
    if owner is not None:
        name = f"{owner.first_name} {owner.last_name}"
        message.owner_detail.CopyFrom(
            store_pb2.StoreOwner(id=str(owner.id), full_name=name, email=owner.email, role=owner.role)
        )
    return message


def public_store_message(profile: StoreProfile, *, logo_url: str) -> store_pb2.PublicStore:
    """Return a store as everybody may see it."""
    row = profile.store
    message = store_pb2.PublicStore(
        id=str(row.id),
        type=row.type,
        company_name=row.company_name,
        dba_name=row.dba_name,
        kyc_status=row.kyc_status,
        city=str(row.address["city"]),
        state=str(row.address["state"]),
        licenses=_license_summaries(profile),
        logo_media_id=str(row.logo_media_id or ""),
        logo_url=logo_url,
    )
    set_time(message.created_at, row.created_at)
    return message


def _license_summaries(profile: StoreProfile) -> list[store_pb2.StoreLicense]:
    return [store_pb2.StoreLicense(number=row.number, type=row.type) for row in profile.licenses]


def address_document(message: address_pb2.Address) -> JsonObject:
    """Return an address as it is stored."""
    return MessageToDict(message, preserving_proto_field_name=True)
