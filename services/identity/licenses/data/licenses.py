"""SQL about licences."""

from __future__ import annotations

import uuid
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import select, tuple_

from meshkit.cursor import Cursor
from meshkit.db.rows import columns_of
from meshkit.db.sql import sql
from services.identity.licenses.domain.license import License, PendingLicense
from services.identity.licenses.domain.license_number import number_key
from services.identity.schema import licenses, stores

if TYPE_CHECKING:
    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

NUMBER_KEYS = {"licenses_issuing_state_number_key", "licenses_issuing_state_number_key_key"}


_ADD = sql(
    "INSERT INTO licenses (id, store_id, user_id, status, media_id, issuing_state, issue_date, expiration_date, type, number,"
    " number_key, reason, created_at)"
    " VALUES (:id, :store_id, :user_id, 'pending', :media_id, :issuing_state, :issue_date, :expiration_date, :type, :number,"
    " :number_key, '', :now) RETURNING {columns}",
    License,
)
_FIND = sql("SELECT {columns} FROM licenses WHERE id = :id", License)
_LOCK = sql("SELECT {columns} FROM licenses WHERE id = :id FOR UPDATE", License)
_HOLDER_OF_NUMBER = sql(
    "SELECT id FROM licenses WHERE issuing_state = :issuing_state AND (number = :number OR number_key = :number_key)"
    " ORDER BY id",
    uuid.UUID,
)
_DECIDE = sql(
    "UPDATE licenses SET status = :status, reason = :reason, decided_at = :now WHERE id = :id RETURNING {columns}",
    License,
)
_STATUSES = sql("SELECT status FROM licenses WHERE store_id = :store_id", str)


def add(
    tx: Tx,
    *,
    license_id: uuid.UUID,
    store_id: uuid.UUID,
    user_id: uuid.UUID,
    media_id: uuid.UUID,
    issuing_state: str,
    issue_date: date | None,
    expiration_date: date | None,
    type: str,  # noqa: A002
    number: str,
) -> License:
    """Insert a pending licence; returns the row. Raises IntegrityError on one of NUMBER_KEYS."""
    values = {
        "id": license_id,
        "store_id": store_id,
        "user_id": user_id,
        "media_id": media_id,
        "issuing_state": issuing_state,
        "issue_date": issue_date,
        "expiration_date": expiration_date,
        "type": type,
        "number": number,
        "number_key": number_key(number),
        "now": tx.now,
    }
    return tx.execute(_ADD, values).one()


def find(tx: Tx, license_id: uuid.UUID) -> License | None:
    """Return a licence, or None."""
    return tx.execute(_FIND, {"id": license_id}).one_or_none()


def lock(tx: Tx, license_id: uuid.UUID) -> License | None:
    """Return a licence and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": license_id}).one_or_none()


def holder_of_number(tx: Tx, *, issuing_state: str, number: str) -> uuid.UUID | None:
    """Return the id of the licence under which that state's number is filed, however it is spelt, or None."""
    values = {"issuing_state": issuing_state, "number": number, "number_key": number_key(number)}
    return tx.execute(_HOLDER_OF_NUMBER, values).first()


def decide(tx: Tx, license_id: uuid.UUID, *, status: str, reason: str) -> License:
    """Set a decision; returns the row."""
    return tx.execute(_DECIDE, {"id": license_id, "status": status, "reason": reason, "now": tx.now}).one()


def statuses_of_store(tx: Tx, store_id: uuid.UUID) -> list[str]:
    """Return the status of each of a store's licences."""
    return tx.execute(_STATUSES, {"store_id": store_id}).all()


def page_of_store(tx: Tx, store_id: uuid.UUID, page: Page) -> list[License]:
    """Return a store's licences, newest first, one more than the page."""
    statement = select(*columns_of(licenses, License)).where(licenses.c.store_id == store_id)
    if page.after:
        statement = statement.where(tuple_(licenses.c.created_at, licenses.c.id) < (page.after.at, page.after.id))
    statement = statement.order_by(licenses.c.created_at.desc(), licenses.c.id.desc()).limit(page.fetch)
    return tx.fetch(statement, License).all()


def page_of_pending(tx: Tx, page: Page, *, issuing_state: str) -> list[PendingLicense]:
    """Return pending licences with their stores, oldest first, one more than the page."""
    of_store = [name for name in PendingLicense._fields if name not in License._fields]
    statement = (
        select(
            *columns_of(licenses, License),
            *(stores.c[name.removeprefix("store_")].label(name) for name in of_store),
        )
        .join(stores, stores.c.id == licenses.c.store_id)
        .where(licenses.c.status == "pending")
    )
    if issuing_state:
        statement = statement.where(licenses.c.issuing_state == issuing_state)
    if page.after:
        statement = statement.where(tuple_(licenses.c.created_at, licenses.c.id) > (page.after.at, page.after.id))
    statement = statement.order_by(licenses.c.created_at, licenses.c.id).limit(page.fetch)
    return tx.fetch(statement, PendingLicense).all()


def cursor_of(license: License | PendingLicense) -> Cursor:  # noqa: A002
    """Return the sort key of a licence in both lists."""
    return Cursor(license.created_at, license.id)
