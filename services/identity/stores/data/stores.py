"""SQL about stores and who belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from meshkit.ids import new_id
from services.identity.schema import memberships, stores, users

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def add(tx: Tx, **columns: Any) -> Any:
    """Insert a store that may not trade yet; returns the row."""
    values = {
        "kyc_status": "pending_verification",
        "subscription_active": False,
        "gate_version": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
        **columns,
    }
    return tx.execute(insert(stores).values(values).returning(stores)).one()


def add_member(tx: Tx, *, store_id: uuid.UUID, user_id: uuid.UUID, role: str) -> None:
    """Make a person an active member of a store."""
    tx.execute(
        insert(memberships).values(
            id=new_id(), store_id=store_id, user_id=user_id, role=role, status="active", created_at=tx.now
        )
    )


def find(tx: Tx, store_id: uuid.UUID) -> Any | None:
    """Return a store, or None."""
    return tx.execute(select(stores).where(stores.c.id == store_id)).one_or_none()


def lock(tx: Tx, store_id: uuid.UUID) -> Any | None:
    """Return a store and keep it from changing until commit, or None."""
    return tx.execute(select(stores).where(stores.c.id == store_id).with_for_update()).one_or_none()


def of_user(tx: Tx, user_id: uuid.UUID) -> Sequence[Any]:
    """Return the stores a person actively belongs to, with `role`, oldest membership first."""
    statement = (
        select(stores, memberships.c.role)
        .join(memberships, memberships.c.store_id == stores.c.id)
        .where(memberships.c.user_id == user_id, memberships.c.status == "active")
        .order_by(memberships.c.created_at, memberships.c.id)
    )
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def owner_of(tx: Tx, store_id: uuid.UUID) -> Any | None:
    """Return `id, first_name, last_name, email, role` of the longest active owner, or None."""
    statement = (
        select(users.c.id, users.c.first_name, users.c.last_name, users.c.email, memberships.c.role)
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(memberships.c.store_id == store_id, memberships.c.status == "active", memberships.c.role == "owner")
        .order_by(memberships.c.created_at, memberships.c.id)
        .limit(1)
    )
    return tx.execute(statement).one_or_none()


def claim_logo(tx: Tx, store_id: uuid.UUID, *, flow_id: uuid.UUID) -> None:
    """Note on a locked store who changes its logo now; whoever set out before records nothing any more."""
    tx.execute(update(stores).where(stores.c.id == store_id).values(logo_flow=flow_id))


def change_gate(tx: Tx, store_id: uuid.UUID, **columns: Any) -> Any:
    """Change what other services keep of a store; returns the store with its raised gate_version."""
    statement = (
        update(stores)
        .where(stores.c.id == store_id)
        .values(gate_version=stores.c.gate_version + 1, updated_at=tx.now, **columns)
        .returning(stores)
    )
    return tx.execute(statement).one()
