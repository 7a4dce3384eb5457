"""Make a person of the platform itself: an administrator or a delivery agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.db.engine import constraint_of
from meshkit.ids import new_id
from services.identity.accounts.data import users
from services.identity.errors import EmailTaken

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person


def create_system_user(
    tx: Tx, *, email: str, password_hash: str, first_name: str, last_name: str, system_role: str
) -> Person:
    """Create a person without a store; an agent is announced so that orders can be assigned. Raises EmailTaken."""
    try:
        user = users.add(
            tx,
            user_id=new_id(),
            email=email,
            password_hash=password_hash,
            first_name=first_name,
            last_name=last_name,
            system_role=system_role,
        )
    except IntegrityError as error:
        if constraint_of(error) == "users_email_key":
            raise EmailTaken(field="email") from None
        raise
    tx.audit(target=user.id, after={"user_id": str(user.id), "system_role": system_role})
    if system_role == "agent":
        tx.emit(events.AgentCreated(user_id=str(user.id)))
    return user
