"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.v1 import (
    admin_service_pb2,
    auth_service_pb2,
    store_pb2,
)
from meshkit.errors import ValidationError
from meshkit.messages import set_time

if TYPE_CHECKING:
    from services.identity.accounts.domain.person import Person


def first_name_of(request: auth_service_pb2.AdminRegisterRequest | admin_service_pb2.CreateAgentRequest) -> str:
    """Return the first name under either of its two spellings. Raises ValidationError when neither is given."""
    name: str = request.first_name or request.first_names
    if not name:
        raise ValidationError.of("first_name", "must be given")
    return name


def user_message(person: Person) -> store_pb2.User:
    """Return a person."""
    message = store_pb2.User(
        id=str(person.id),
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        system_role=person.system_role or "",
    )
    set_time(message.last_login_at, person.last_login_at)
    set_time(message.created_at, person.created_at)
    return message
