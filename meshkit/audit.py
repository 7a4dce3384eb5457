"""The audit log: one append-only row per audited call, in the transaction of the effect, hash-chained a moment later.

What no single call causes (a job, an operator's tool) writes a row per object it changed.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.recordset import to_json
from meshkit.db.rows import Json
from meshkit.db.sql import sql
from meshkit.ids import new_id
from meshkit.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message

    from meshkit.db.tx import Tx


class LoggedCall(NamedTuple):
    """A row of the log, with what its hash is over, in that order."""

    id: uuid.UUID
    occurred_at: datetime
    actor: str
    actor_user_id: uuid.UUID | None
    actor_store_id: uuid.UUID | None
    actor_role: str
    action: str
    target: str
    outcome: str
    request: Json
    before: Json
    after: Json
    request_id: str


class Link(NamedTuple):
    """The last link of the chain."""

    position: int
    hash: bytes


class ChainedCall(NamedTuple):
    """A link with the row that it is for; of a row that is gone nothing is there."""

    position: int
    audit_id: uuid.UUID
    linked: bytes
    id: uuid.UUID | None
    occurred_at: datetime | None
    actor: str | None
    actor_user_id: uuid.UUID | None
    actor_store_id: uuid.UUID | None
    actor_role: str | None
    action: str | None
    target: str | None
    outcome: str | None
    request: Json
    before: Json
    after: Json
    request_id: str | None


_INSERT = """
    INSERT INTO audit_log (id, occurred_at, actor, actor_user_id, actor_store_id, actor_role, action, target, outcome,
                           request, before, after, request_id)
    VALUES (:audit_id, :audit_now, :audit_actor, :audit_user_id, :audit_store_id, :audit_role, :audit_action,
            :audit_target, :audit_outcome, CAST(:audit_request AS jsonb), CAST(:audit_before AS jsonb),
            CAST(:audit_after AS jsonb), :audit_request_id)
"""
_NOTE = sql(_INSERT)
# The role may only add to the chain, so it cannot lock its rows.
_ONE_AT_A_TIME = sql("SELECT pg_advisory_xact_lock(7362002)")
_LAST = sql("SELECT position, hash FROM audit_chain ORDER BY position DESC LIMIT 1", Link)
# Rows of transactions that are still open may have lower numbers; they are linked when they appear. A transaction lives
# seconds: what is older than the last ten thousand links is not looked at again.
_UNLINKED = sql(
    """
    SELECT {l.columns} FROM audit_log l
    WHERE l.seq > COALESCE((SELECT o.seq FROM audit_chain c JOIN audit_log o ON o.id = c.audit_id
                            WHERE c.position = :position - 10000), 0)
      AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.audit_id = l.id)
    ORDER BY l.seq LIMIT 500
    """,
    LoggedCall,
)
_LINK = sql("INSERT INTO audit_chain (position, audit_id, hash) VALUES (:position, :audit_id, :hash)")
_CHAIN = sql(
    """
    SELECT c.position, c.audit_id, c.hash AS linked, l.id, l.occurred_at, l.actor, l.actor_user_id, l.actor_store_id,
           l.actor_role, l.action, l.target, l.outcome, l.request, l.before, l.after, l.request_id
    FROM audit_chain c LEFT JOIN audit_log l ON l.id = c.audit_id ORDER BY c.position
    """,
    ChainedCall,
)
_NEVER_LINKED = sql(
    "SELECT l.id FROM audit_log l WHERE l.occurred_at < :before"
    " AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.audit_id = l.id) ORDER BY l.seq LIMIT 1",
    uuid.UUID,
)
_INSERT_ROWS = sql(
    """
    INSERT INTO audit_log (id, occurred_at, actor, actor_user_id, actor_store_id, actor_role, action, target, outcome,
                           request, before, after, request_id)
    SELECT r.id, :now, :actor, :user_id, :store_id, :role, :action, r.target, 'ok', '{}', r.before, r.after, :request_id
    FROM json_to_recordset(CAST(:rows AS json)) AS r (id uuid, target text, before jsonb, after jsonb)
    """
)
_GENESIS = bytes(32)
_LINKED_WITHIN = timedelta(minutes=2)


def write(tx: Tx, *, action: str, target: str, request: Message, outcome: str = "ok") -> None:
    """Write the row of one call, at the end of its transaction; `target` is the object's id or name."""
    changed = {"before": tx.audit_before, "after": tx.audit_after}
    row = _row(tx, action=action, target=tx.audit_target or target, outcome=outcome, **changed)
    tx.execute_last(_INSERT, {**row, "audit_request": json.dumps(redacted(request))})


def note(
    tx: Tx, *, action: str, target: object, outcome: str = "ok", after: Mapping[str, object] | None = None
) -> None:
    """Write a row now, for what nobody's call stands for: what an event made the system decide, or a failed attempt."""
    row = _row(tx, action=action, target=str(target), outcome=outcome, before=None, after=after)
    tx.execute(_NOTE, {**row, "audit_request": "{}"})


def _row(
    tx: Tx,
    *,
    action: str,
    target: str,
    outcome: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> dict[str, object]:
    principal = tx.principal
    return {
        "audit_id": new_id(),
        "audit_now": tx.now,
        "audit_actor": principal.subject,
        "audit_user_id": principal.user_id,
        "audit_store_id": principal.store_id,
        "audit_role": principal.role,
        "audit_action": action,
        "audit_target": target,
        "audit_outcome": outcome,
        "audit_before": _json(before),
        "audit_after": _json(after),
        "audit_request_id": tx.call.request_id,
    }


def link_new_rows(tx: Tx) -> int:
    """Chain the rows that are not chained yet; returns how many. Run by one job at a time."""
    tx.execute(_ONE_AT_A_TIME)
    last = tx.execute(_LAST).one_or_none()
    position, previous = (last.position, last.hash) if last else (0, _GENESIS)
    links = []
    for row in tx.execute(_UNLINKED, {"position": position}):
        position += 1
        previous = _hash(previous, row)
        links.append({"position": position, "audit_id": row.id, "hash": previous})
    if links:
        tx.execute(_LINK, links)
    return len(links)


@dataclass(frozen=True, slots=True)
class Change:
    """One object that was changed, and its state around the change."""

    target: object
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None


def write_rows(tx: Tx, *, action: str, changes: Iterable[Change]) -> None:
    """Write a row for each object that was changed together, in one statement; the actor is who the transaction is for."""
    rows = [
        {"id": new_id(), "target": str(change.target), "before": change.before, "after": change.after}
        for change in changes
    ]
    if not rows:
        return
    principal = tx.principal
    tx.execute(
        _INSERT_ROWS,
        {
            "rows": to_json(rows),
            "now": tx.now,
            "actor": principal.subject,
            "user_id": principal.user_id,
            "store_id": principal.store_id,
            "role": principal.role,
            "action": action,
            "request_id": tx.call.request_id,
        },
    )


@dataclass(frozen=True)
class Chain:
    """The whole chain, computed again: the hash at each position, and the first row that does not fit."""

    hashes: list[bytes]
    broken: str | None = None


def chain_of(tx: Tx) -> Chain:
    """Compute the chain again from the rows of the log."""
    hashes: list[bytes] = []
    previous = _GENESIS
    for row in tx.execute(_CHAIN):
        previous = _hash(previous, row) if row.id else b""
        if previous != row.linked or row.position != len(hashes) + 1:
            return Chain(hashes, str(row.audit_id))
        hashes.append(previous)
    return Chain(hashes)


@dataclass(frozen=True)
class Head:
    """The last link of a chain at some moment."""

    position: int
    hash: bytes


def head_of(tx: Tx) -> Head | None:
    """Return the last link, or None while there is none."""
    last = tx.execute(_LAST).one_or_none()
    return Head(last.position, last.hash) if last else None


def never_linked(tx: Tx) -> str | None:
    """Return the id of a row that was not chained although there was time for it, or None."""
    found = tx.execute(_NEVER_LINKED, {"before": tx.now - _LINKED_WITHIN}).first()
    return str(found) if found else None


def _hash(previous: bytes, row: LoggedCall | ChainedCall) -> bytes:
    fields = (
        row.id, row.occurred_at and row.occurred_at.isoformat(), row.actor, row.actor_user_id, row.actor_store_id, row.actor_role,
        row.action, row.target, row.outcome, row.request, row.before, row.after, row.request_id,
    )  # fmt: skip
    return hashlib.sha256(previous + json.dumps(fields, sort_keys=True, default=str).encode()).digest()


def _json(value: Mapping[str, object] | None) -> str | None:
    return None if value is None else json.dumps(value, default=str)
