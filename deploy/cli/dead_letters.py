"""The dead letters of all services: found by a filter, put back into the outbox of the event's owner, marked, audited.

An event keeps its id: whoever applied it finds it in the inbox. Put back comes before marked, so that a tool that dies
between the two leaves a letter that is put back again, never one that only looks so.
"""

from __future__ import annotations

import getpass
import json
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from deploy.cli.connection import transactions_of
from deploy.cli.contracts import services_present
from meshkit import audit
from meshkit.call import Call
from meshkit.db.engine import is_unavailable
from meshkit.db.sql import sql
from meshkit.principal import Principal

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Mapping, Sequence

    from meshkit.db.tx import Transactions, Tx

# Letters put back in one transaction of each database.
BATCH = 100
OUTBOX = "outbox"
_UUID7 = 7

_COLUMNS = """event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts, failed_at,
              replayed_at"""
# An empty text or a missing instant is no condition.
_FIND = sql(
    f"""
    SELECT * FROM (
        SELECT 'outbox' AS side, {_COLUMNS} FROM outbox_dlq
        UNION ALL SELECT consumer, {_COLUMNS} FROM inbox_dlq
    ) AS letters
    WHERE (CAST(:event_id AS uuid) IS NULL OR event_id = :event_id)
      AND (CAST(:event_type AS text) = '' OR type = :event_type)
      AND (CAST(:side AS text) = '' OR side = :side)
      AND (CAST(:reason AS text) = '' OR reason = :reason)
      AND (CAST(:since AS timestamptz) IS NULL OR failed_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR failed_at < :until)
      AND (CAST(:everything AS boolean) OR replayed_at IS NULL)
    ORDER BY failed_at, event_id
    """  # noqa: S608
)
# Whatever the owner still has of the event is published again, else it is written again from the letter. Event ids sort by
# age, and so do the new rows.
_PUT_BACK = sql(
    """
    INSERT INTO outbox (event_id, type, version, topic, ordering_key, payload, headers, created_at, available_at)
    SELECT e.event_id, e.type, e.version, e.topic, e.ordering_key, e.payload, CAST(e.headers AS jsonb), :now, :now
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:types AS text[]), CAST(:versions AS integer[]),
                CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:payloads AS bytea[]), CAST(:headers AS text[]))
         AS e (event_id, type, version, topic, ordering_key, payload, headers)
    ORDER BY e.event_id
    ON CONFLICT ON CONSTRAINT outbox_event_id_key DO UPDATE
        SET published_at = NULL, attempts = 0, available_at = :now, lease_token = NULL, lease_until = NULL
        WHERE outbox.published_at IS NOT NULL
    """
)
# A letter that died once more meanwhile is another one.
_SEEN = """FROM unnest(CAST(:event_ids AS uuid[]), CAST(:sides AS text[]), CAST(:failed_ats AS timestamptz[]))
                AS seen (event_id, side, failed_at)
           WHERE d.event_id = seen.event_id AND d.failed_at = seen.failed_at"""
_MARK_OUTBOX = sql(f"UPDATE outbox_dlq d SET replayed_at = :now {_SEEN} AND seen.side = 'outbox'")  # noqa: S608
_MARK_INBOX = sql(f"UPDATE inbox_dlq d SET replayed_at = :now {_SEEN} AND d.consumer = seen.side")  # noqa: S608
_APPLIED = sql("SELECT consumer FROM inbox WHERE event_id = :event_id ORDER BY 1")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which letters; what is empty does not matter. `side` is a consumer, or "outbox"; times are those of the failure."""

    event_id: uuid.UUID | None = None
    service: str = ""
    event_type: str = ""
    side: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    everything: bool = False


@dataclass(frozen=True)
class Letter:
    """A dead letter and the service in whose database it lies."""

    service: str
    row: Any

    @property
    def owner(self) -> str:
        """Return the service that the event comes from; what the object store noticed has no owner but its consumer."""
        topic: str = self.row.topic
        name = topic.partition(".")[0]
        return name if name in services_present() else self.service

    @property
    def happened_at(self) -> datetime:
        """Return when the event happened, as its id says; of a foreign id only when it failed."""
        event_id: uuid.UUID = self.row.event_id
        failed_at: datetime = self.row.failed_at
        return datetime.fromtimestamp((event_id.int >> 80) / 1000, tz=UTC) if event_id.version == _UUID7 else failed_at


class DatabaseAway(Exception):
    """A service's database cannot be reached."""


@dataclass(frozen=True)
class DeadLetters:
    """All services' databases, open. `away` are those that did not answer a question, whose letters nobody sees now."""

    databases: Mapping[str, Transactions]
    away: set[str] = field(default_factory=set)

    def find(self, wanted: Filter) -> list[Letter]:
        """Return the letters that fit, oldest failure first."""
        parameters = {name: value for name, value in vars(wanted).items() if name != "service"}
        found = []
        for service in self.databases:
            if wanted.service in {"", service}:
                found += [Letter(service, row) for row in self._read(service, _FIND, parameters)]
        return sorted(found, key=lambda letter: (letter.row.failed_at, letter.row.event_id))

    def applied_by(self, event_id: uuid.UUID) -> list[str]:
        """Return the consumers that have applied an event, as far as they remember."""
        return [row.consumer for name in self.databases for row in self._read(name, _APPLIED, {"event_id": event_id})]

    def replay(self, letters: Sequence[Letter]) -> Iterator[int]:
        """Put letters back, oldest event first; yields how many are after each batch. Raises DatabaseAway."""
        ordered = sorted(letters, key=lambda letter: (letter.happened_at, letter.row.event_id))
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            for owner, owned in _grouped(batch, "owner").items():
                with self._write(owner) as tx:
                    _put_back(tx, owned)
            for service, dead in _grouped(batch, "service").items():
                with self._write(service) as tx:
                    _mark(tx, dead)
            yield start + len(batch)

    def _read(self, service: str, statement: Any, parameters: dict[str, Any]) -> list[Any]:
        try:
            with self.databases[service].read(Call()) as tx:
                return list(tx.execute(statement, parameters).all())
        except SQLAlchemyError as error:
            if not is_unavailable(error):
                raise
            self.away.add(service)
            return []

    @contextmanager
    def _write(self, service: str) -> Iterator[Tx]:
        call = Call(principal=Principal(service="operator", origin=getpass.getuser()), request_id="dlq-replay")
        try:
            with self.databases[service].write(call) as tx:
                yield tx
        except SQLAlchemyError as error:
            if not is_unavailable(error):
                raise
            raise DatabaseAway(service) from error


@contextmanager
def dead_letters() -> Iterator[DeadLetters]:
    """Open all services' databases and close them again."""
    databases = {name: transactions_of(name) for name in services_present()}
    try:
        yield DeadLetters(databases)
    finally:
        for transactions in databases.values():
            transactions.database.close()


def forgotten_before(now: datetime, *, handled_events_days: int) -> datetime:
    """Return the instant before which consumers may no longer know what they applied."""
    return now - timedelta(days=handled_events_days)


def _put_back(tx: Tx, letters: Sequence[Letter]) -> None:
    # Several consumers can have refused the same event.
    rows = list({letter.row.event_id: letter.row for letter in letters}.values())
    tx.execute(
        _PUT_BACK,
        {
            "now": tx.now,
            "event_ids": [row.event_id for row in rows],
            "types": [row.type for row in rows],
            "versions": [row.version for row in rows],
            "topics": [row.topic for row in rows],
            "keys": [row.ordering_key for row in rows],
            "payloads": [bytes(row.payload) for row in rows],
            "headers": [json.dumps(dict(row.headers)) for row in rows],
        },
    )


def _mark(tx: Tx, letters: Sequence[Letter]) -> None:
    rows = [letter.row for letter in letters]
    parameters = {
        "now": tx.now,
        "event_ids": [row.event_id for row in rows],
        "sides": [row.side for row in rows],
        "failed_ats": [row.failed_at for row in rows],
    }
    tx.execute(_MARK_OUTBOX, parameters)
    tx.execute(_MARK_INBOX, parameters)
    changes = [
        audit.Change(
            row.event_id,
            {"side": row.side, "reason": row.reason, "failed_at": row.failed_at.isoformat()},
            {"by": getpass.getuser()},
        )
        for row in rows
    ]
    audit.write_rows(tx, action="dlq.replay", changes=changes)


def _grouped(letters: Sequence[Letter], attribute: str) -> dict[str, list[Letter]]:
    groups: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[getattr(letter, attribute)].append(letter)
    return groups
