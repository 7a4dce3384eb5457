"""Idempotency keys, kept in the service's own database in the same transaction as the effect.

Scope is (principal, method, key). Same request -> the stored bytes; another request -> IDEMPOTENCY_KEY_REUSED; a twin
that runs at the same time waits on the row and then replays, it never executes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql
from meshkit.errors import IdempotencyInProgress, IdempotencyKeyReused
from meshkit.ids import new_id
from meshkit.presence import LIVING
from meshkit.redaction import without_secrets

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx

# See MeshSettings.flow_lease_s.
FLOW_LEASE = timedelta(seconds=20)


class KeyRow(NamedTuple):
    """A key that is taken: its answer, or the flow that is to give it."""

    request_hash: bytes
    response: bytes | None
    headers: dict[str, str] | None
    flow_id: uuid.UUID | None
    lease_until: datetime | None
    expires_at: datetime
    run_by: int | None


class StoredAnswer(NamedTuple):
    """How far the call of a key has come."""

    request_hash: bytes
    response: bytes | None
    headers: dict[str, str] | None
    expires_at: datetime


class GivenUp(NamedTuple):
    """A flow that nobody goes on with: what was asked, and for which store."""

    flow_id: uuid.UUID
    request: bytes
    store_id: uuid.UUID


_CLAIM = sql(
    """
    INSERT INTO idempotency_keys (principal, method, key, request_hash, created_at, expires_at,
                                  flow_id, flow_request, flow_principal, lease_until)
    VALUES (:principal, :method, :key, :hash, :now, :expires_at, :flow_id, :flow_request,
            CAST(:flow_principal AS jsonb), :lease_until)
    ON CONFLICT ON CONSTRAINT idempotency_keys_pk DO NOTHING
    """
)
_FIND = sql(
    "SELECT request_hash, response, headers, flow_id, lease_until, expires_at,"
    " CAST(flow_principal ->> 'run_by' AS bigint) AS run_by FROM idempotency_keys"
    " WHERE principal = :principal AND method = :method AND key = :key FOR UPDATE",
    KeyRow,
)
_LOOK = sql(
    "SELECT {columns} FROM idempotency_keys WHERE principal = :principal AND method = :method AND key = :key",
    StoredAnswer,
)
_FORGET = sql("DELETE FROM idempotency_keys WHERE principal = :principal AND method = :method AND key = :key")
_EXTEND = sql(
    "UPDATE idempotency_keys SET lease_until = :lease_until,"
    " flow_principal = flow_principal || jsonb_build_object('run_by', CAST(:run_by AS bigint))"
    " WHERE principal = :principal AND method = :method AND key = :key"
)
_RELEASE = sql(
    "UPDATE idempotency_keys SET lease_until = NULL"
    " WHERE principal = :principal AND method = :method AND key = :key AND response IS NULL"
)
_END_LEASE = sql(
    "UPDATE idempotency_keys SET lease_until = :now WHERE principal = :principal AND method = :method AND key = :key"
    " AND flow_id = :flow_id AND response IS NULL AND lease_until > :now"
)
_STORE = (
    "UPDATE idempotency_keys SET response = :key_response, headers = CAST(:key_headers AS jsonb), lease_until = NULL,"
    " flow_request = NULL WHERE principal = :key_principal AND method = :key_method AND key = :key_key"
)


_IS_LIVING = sql(f"SELECT 1 FROM ({LIVING}) AS living (number) WHERE number = :number", int)  # noqa: S608

# A taken row is leased until its key is long gone: neither its caller nor the resume job goes on with the flow. A row that
# its caller is resuming at this moment is left alone.
_TAKE_GIVEN_UP = sql(
    """
    UPDATE idempotency_keys SET lease_until = expires_at + interval '24 hours'
    WHERE method = :method AND response IS NULL AND flow_id = ANY(ARRAY(
        SELECT flow_id FROM idempotency_keys
        WHERE method = :method AND response IS NULL AND flow_id IS NOT NULL
          AND ((lease_until IS NULL AND created_at < :called_before)
               OR (lease_until < :now AND expires_at < :expires_before)
               OR lease_until > expires_at)
        ORDER BY created_at LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED))
    RETURNING flow_id, flow_request AS request, CAST(flow_principal ->> 'active_store_id' AS uuid) AS store_id
    """,
    GivenUp,
)
_FORGET_GIVEN_UP = sql(
    "DELETE FROM idempotency_keys"
    " WHERE method = :method AND response IS NULL AND flow_id = :flow_id AND lease_until > expires_at"
)


@dataclass(frozen=True)
class Key:
    """One idempotency key in its scope, with what is kept of the request it was sent with."""

    principal: str
    method: str
    key: str
    request_hash: bytes
    keep: timedelta
    request: Message = field(compare=False, repr=False)

    @classmethod
    def of(cls, *, principal: str, method: str, key: str, request: Message, keep: timedelta, secret: bytes) -> Key:
        """Return the key for a request; the hash is over the message, so JSON spelling does not matter.

        It is keyed and leaves secrets out: who reads the table must not be able to try passwords against it.
        """
        hashed = without_secrets(request).SerializeToString(deterministic=True)
        return cls(principal, method, key, hmac.digest(secret, hashed, "sha256"), keep, request)

    def is_for(self, request_hash: bytes) -> bool:
        """Return whether a stored hash is of the same request. The release before stored another kind; its rows expire within a day."""
        if hmac.compare_digest(request_hash, self.request_hash):
            return True
        before = hashlib.sha256(self.request.SerializeToString(deterministic=True)).digest()
        return hmac.compare_digest(request_hash, before)

    @property
    def scope(self) -> dict[str, str]:
        """Return the primary key."""
        return {"principal": self.principal, "method": self.method, "key": self.key}


@dataclass(frozen=True)
class Replay:
    """A stored answer."""

    response: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class FlowClaim:
    """What a FLOW leaves in its key row so that a job can resume it."""

    request: bytes
    principal: dict[str, object]
    lease: timedelta = FLOW_LEASE
    # The process that runs it (meshkit/presence.py).
    run_by: int | None = None


def claim(tx: Tx, key: Key, *, flow: FlowClaim | None = None) -> Replay | uuid.UUID | None:
    """Take the key, or return the answer it already has; for a flow return its id (new, or the one taken over).

    Raises IdempotencyKeyReused, IdempotencyInProgress. A concurrent twin blocks here until the first call ends.
    """
    flow_id = new_id() if flow else None
    row = {
        **key.scope,
        "hash": key.request_hash,
        "now": tx.now,
        "expires_at": tx.now + key.keep,
        "flow_id": flow_id,
        "flow_request": flow.request if flow else None,
        "flow_principal": json.dumps({**flow.principal, "run_by": flow.run_by}) if flow else None,
        "lease_until": tx.now + flow.lease if flow else None,
    }
    if tx.execute(_CLAIM, row).rowcount == 1:
        return flow_id
    found = tx.execute(_FIND, key.scope).one_or_none()
    if found is None or (found.expires_at <= tx.now and found.response is not None):
        tx.execute(_FORGET, key.scope)
        return claim(tx, key, flow=flow)
    if not key.is_for(found.request_hash):
        raise IdempotencyKeyReused
    if found.response is not None:
        return Replay(found.response, dict(found.headers or {}))
    return _take_over(tx, key, found, flow=flow or FlowClaim(b"", {}))


def find_answer(tx: Tx, key: Key) -> Replay | None:
    """Return the answer that a key has, taking nothing. Raises IdempotencyKeyReused."""
    found = tx.execute(_LOOK, key.scope).one_or_none()
    if found is None or found.response is None or found.expires_at <= tx.now:
        return None
    if not key.is_for(found.request_hash):
        raise IdempotencyKeyReused
    return Replay(found.response, dict(found.headers or {}))


def _take_over(tx: Tx, key: Key, found: KeyRow, *, flow: FlowClaim) -> uuid.UUID | None:
    if _is_leased(tx, found, lease=flow.lease):
        raise IdempotencyInProgress
    tx.execute(_EXTEND, {**key.scope, "lease_until": tx.now + flow.lease, "run_by": flow.run_by})
    return found.flow_id


def lock_unanswered(tx: Tx, key: Key) -> Replay | None:
    """Lock the row of a flow that goes on; returns the answer if it has been given one.

    Raises IdempotencyInProgress when the flow was refused or given up meanwhile, so that it must not go on.
    """
    found = tx.execute(_FIND, key.scope).one_or_none()
    if found is not None and found.response is not None:
        return Replay(found.response, dict(found.headers or {}))
    if found is None or (found.lease_until is not None and found.lease_until > found.expires_at):
        raise IdempotencyInProgress
    return None


def _is_leased(tx: Tx, found: KeyRow, *, lease: timedelta) -> bool:
    """Return whether somebody works on the flow, or it was given up for good (meshkit/given_up.py).

    A lease that ends later than one can was taken before the clock was put back, and counts no longer: taking a flow up
    that still runs is safe, waiting for minutes is not.
    """
    if found.lease_until is None or found.lease_until <= tx.now:
        return False
    if found.lease_until > found.expires_at:
        return True
    return found.lease_until <= tx.now + lease and not _is_dead(tx, found.run_by)


def _is_dead(tx: Tx, run_by: int | None) -> bool:
    """Return whether the process that ran a flow is known to be gone."""
    return run_by is not None and tx.execute(_IS_LIVING, {"number": run_by}).first() is None


def store(tx: Tx, key: Key, *, response: bytes, headers: dict[str, str]) -> None:
    """Keep the answer under the key, at the end of the transaction of the effect."""
    scope = {f"key_{name}": value for name, value in key.scope.items()}
    tx.execute_last(_STORE, {**scope, "key_response": response, "key_headers": json.dumps(headers)})


def forget(tx: Tx, key: Key) -> None:
    """Give the key back after a flow was refused and left nothing behind."""
    tx.execute(_FORGET, key.scope)


def release(tx: Tx, key: Key) -> None:
    """Let the caller's next try take the flow up at once; the resume job leaves a released flow alone."""
    tx.execute(_RELEASE, key.scope)


def end_lease(tx: Tx, key: Key, *, flow_id: uuid.UUID) -> None:
    """Let whoever comes first go on at once, the caller's next try or the resume job: nobody works on the flow now."""
    tx.execute(_END_LEASE, {**key.scope, "now": tx.now, "flow_id": flow_id})


def take_given_up(
    tx: Tx, *, method: str, called_before: datetime, expires_before: datetime, limit: int
) -> list[GivenUp]:
    """Take given-up flows of a method, so that neither caller nor resume job goes on with them; returns all that are taken.

    Taken are released ones that were called for before `called_before`, and abandoned ones whose key ends before
    `expires_before` (decision 3).
    """
    return tx.execute(
        _TAKE_GIVEN_UP,
        {
            "method": method,
            "called_before": called_before,
            "expires_before": expires_before,
            "now": tx.now,
            "limit": limit,
        },
    ).all()


def forget_given_up(tx: Tx, *, method: str, flow_id: uuid.UUID) -> None:
    """Give a taken flow's key back; the next call with it is a first one."""
    tx.execute(_FORGET_GIVEN_UP, {"method": method, "flow_id": flow_id})
