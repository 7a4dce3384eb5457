"""SQL about licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, tuple_, update

from meshkit.cursor import Cursor
from services.identity.licenses.domain.license_number import number_key
from services.identity.schema import licenses, stores

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

NUMBER_KEYS = {"licenses_issuing_state_number_key", "licenses_issuing_state_number_key_key"}


def add(tx: Tx, **columns: Any) -> Any:
    """Insert a pending licence; returns the row. Raises IntegrityError on one of NUMBER_KEYS."""
    values = {
        "number_key": number_key(columns["number"]),
        "status": "pending",
        "reason": "",
        "created_at": tx.now,
        "decided_at": None,
        **columns,
    }
    return tx.execute(insert(licenses).values(values).returning(licenses)).one()


def find(tx: Tx, license_id: uuid.UUID) -> Any | None:
    """Return a licence, or None."""
    return tx.execute(select(licenses).where(licenses.c.id == license_id)).one_or_none()


def lock(tx: Tx, license_id: uuid.UUID) -> Any | None:
    """Return a licence and keep it from changing until commit, or None."""
    return tx.execute(select(licenses).where(licenses.c.id == license_id).with_for_update()).one_or_none()


def holder_of_number(tx: Tx, *, issuing_state: str, number: str) -> uuid.UUID | None:
    """Return the id of the licence under which that state's number is filed, however it is spelt, or None."""
    is_it = or_(licenses.c.number == number, licenses.c.number_key == number_key(number))
    statement = select(licenses.c.id).where(licenses.c.issuing_state == issuing_state, is_it).order_by(licenses.c.id)
    holder: uuid.UUID | None = tx.execute(statement).scalars().first()
    return holder


def decide(tx: Tx, license_id: uuid.UUID, *, status: str, reason: str) -> Any:
    """Set a decision; returns the row."""
    statement = (
        update(licenses)
        .where(licenses.c.id == license_id)
        .values(status=status, reason=reason, decided_at=tx.now)
        .returning(licenses)
    )
    return tx.execute(statement).one()


def statuses_of_store(tx: Tx, store_id: uuid.UUID) -> list[str]:
    """Return the status of each of a store's licences."""
    return list(tx.execute(select(licenses.c.status).where(licenses.c.store_id == store_id)).scalars())


def verified_of_store(tx: Tx, store_id: uuid.UUID) -> Sequence[Any]:
    """Return `number, type` of a store's verified licences, oldest first."""
    statement = (
        select(licenses.c.number, licenses.c.type)
        .where(licenses.c.store_id == store_id, licenses.c.status == "verified")
        .order_by(licenses.c.created_at, licenses.c.id)
    )
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def page_of_store(tx: Tx, store_id: uuid.UUID, page: Page) -> Sequence[Any]:
    """Return a store's licences, newest first, one more than the page."""
    statement = select(licenses).where(licenses.c.store_id == store_id)
    if page.after:
        statement = statement.where(tuple_(licenses.c.created_at, licenses.c.id) < (page.after.at, page.after.id))
    statement = statement.order_by(licenses.c.created_at.desc(), licenses.c.id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def page_of_pending(tx: Tx, page: Page, *, issuing_state: str) -> Sequence[Any]:
    """Return pending licences with their stores (`store_…` columns), oldest first, one more than the page."""
    statement = (
        select(licenses, *(column.label(f"store_{column.name}") for column in stores.c if column.name != "id"))
        .join(stores, stores.c.id == licenses.c.store_id)
        .where(licenses.c.status == "pending")
    )
    if issuing_state:
        statement = statement.where(licenses.c.issuing_state == issuing_state)
    if page.after:
        statement = statement.where(tuple_(licenses.c.created_at, licenses.c.id) > (page.after.at, page.after.id))
    statement = statement.order_by(licenses.c.created_at, licenses.c.id).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of a licence in both lists."""
    return Cursor(row.created_at, row.id)
