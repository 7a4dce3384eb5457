"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import Any

from marketmesh.identity.v1 import (
    admin_service_pb2,
    auth_service_pb2,
    store_pb2,
)
from meshkit.errors import ValidationError
from meshkit.messages import set_time


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
