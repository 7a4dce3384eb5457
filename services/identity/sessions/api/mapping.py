"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.v1 import (
    auth_service_pb2,
    store_pb2,
)

if TYPE_CHECKING:
    from meshkit.call import Call
    from services.identity.sessions.usecases.issue_tokens import SignedIn
from services.identity.accounts.api.mapping import user_message


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
