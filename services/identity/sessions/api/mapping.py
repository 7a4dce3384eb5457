"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict, ParseDict

from marketmesh.identity.v1 import (
    admin_service_pb2,
    auth_service_pb2,
    license_pb2,
    notification_service_pb2,
    store_pb2,
)
from marketmesh.type.v1 import address_pb2, page_pb2
from meshkit.errors import ValidationError

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import date, datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from meshkit.call import Call
    from meshkit.cursor import Page
    from services.identity.sessions.usecases.open_session import SignedIn
    from services.identity.stores.usecases.read_store import StoreProfile


def set_time(target: Timestamp, value: datetime | None) -> None:
    """Set a timestamp field, or leave it unset for None."""
    if value is not None:
        target.FromDatetime(value)


def first_name_of(request: auth_service_pb2.AdminRegisterRequest | admin_service_pb2.CreateAgentRequest) -> str:
    """Return the first name under either of its two spellings. Raises ValidationError when neither is given."""
    name: str = request.first_name or request.first_names
    if not name:
        raise ValidationError.of("first_name", "must be given")
    return name


def user_message(row: Any) -> store_pb2.User:
    """Return a person."""
    message = store_pb2.User(
        id=str(row.id),
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        system_role=row.system_role or "",
    )
    set_time(message.last_login_at, row.last_login_at)
    set_time(message.created_at, row.created_at)
    return message


def store_message(row: Any) -> store_pb2.Store:
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
        city=row.address["city"],
        state=row.address["state"],
        licenses=_license_summaries(profile),
        logo_media_id=str(row.logo_media_id or ""),
        logo_url=logo_url,
    )
    set_time(message.created_at, row.created_at)
    return message


def _license_summaries(profile: StoreProfile) -> list[store_pb2.StoreLicense]:
    return [store_pb2.StoreLicense(number=row.number, type=row.type) for row in profile.licenses]


def address_document(message: address_pb2.Address) -> dict[str, Any]:
    """Return an address as it is stored."""
    return MessageToDict(message, preserving_proto_field_name=True)


def session_message(signed_in: SignedIn, call: Call) -> auth_service_pb2.Session:
    """Return the session's message and put the tokens into the response headers."""
    call.secret_headers["x-access-token"] = signed_in.access_token
    call.secret_headers["x-refresh-token"] = signed_in.refresh_token
    return auth_service_pb2.Session(
        user=user_message(signed_in.user),
        stores=[
            store_pb2.StoreSummary(
                id=str(row.id),
                name=row.dba_name or row.company_name,
                type=row.type,
                role=row.role,
            )
            for row in signed_in.stores
        ],
        active_store_id=str(signed_in.active_store_id or ""),
    )


def license_message(row: Any, urls: Mapping[uuid.UUID, str] | None = None) -> license_pb2.License:
    """Return a licence, with the URL of its document if there is one among `urls`."""
    message = license_pb2.License(
        id=str(row.id),
        store_id=str(row.store_id),
        status=row.status,
        media_id=str(row.media_id),
        issuing_state=row.issuing_state,
        issue_date=_day(row.issue_date),
        expiration_date=_day(row.expiration_date),
        type=row.type,
        number=row.number,
        reason=row.reason,
        signed_url=(urls or {}).get(row.media_id, ""),
    )
    set_time(message.created_at, row.created_at)
    set_time(message.decided_at, row.decided_at)
    return message


def notification_message(row: Any) -> notification_service_pb2.Notification:
    """Return a notification."""
    message = notification_service_pb2.Notification(
        id=str(row.id),
        type=row.type,
        title=row.title,
        message=row.message,
        link=row.link,
    )
    set_time(message.read_at, row.read_at)
    set_time(message.created_at, row.created_at)
    return message


def pagination(page: Page, *, current: str, following: str) -> page_pb2.Pagination:
    """Return where the reader is."""
    return page_pb2.Pagination(limit=page.limit, current=current, next=following)


def _day(value: date | None) -> str:
    return value.isoformat() if value else ""
