"""Make a person of the platform itself: an administrator or a delivery agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from services.identity.accounts.usecases.create_user import create_user

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person


def create_system_user(
    tx: Tx, *, email: str, password_hash: str, first_name: str, last_name: str, system_role: str
) -> Person:
    """Create a person without a store; an agent is announced so that orders can be assigned. Raises EmailTaken."""
    user = create_user(
        tx,
        email=email,
        password_hash=password_hash,
        first_name=first_name,
        last_name=last_name,
        system_role=system_role,
    )
    tx.audit(target=user.id, after={"user_id": str(user.id), "system_role": system_role})
    if system_role == "agent":
        tx.emit(events.AgentCreated(user_id=str(user.id)))
    return user
