"""The dead letters of all services: found by a filter, put back into the outbox of the event's owner or given up, audited.

An event keeps its id: whoever applied it finds it in the inbox. It is put back for the consumers that refused it, so that
one that can never be applied does not reach the others again. A letter is put back first and marked second: a tool that dies between
the two leaves one that will be put back again, never one that is only marked.
"""

from __future__ import annotations

import getpass
import json
import uuid
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from deploy.tools.connection import transactions_of
from deploy.tools.contracts import services_present
from meshkit import audit
from meshkit.call import Call
from meshkit.db.engine import is_unavailable
from meshkit.db.sql import sql
from meshkit.events.envelope import ONLY_FOR, SENT_TO_ALL_AT
from meshkit.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from meshkit.db.rows import R
    from meshkit.db.sql import Sql
    from meshkit.db.tx import Transactions, Tx

# Letters put back in one transaction of each database.
BATCH = 100
OUTBOX = "outbox"
_UUID7 = 7


class DeadEvent(NamedTuple):
    """An event that was given up: `side` is the consumer that refused it, or "outbox"."""

    side: str
    event_id: uuid.UUID
    type: str
    version: int
    topic: str
    ordering_key: str
    payload: bytes
    headers: dict[str, str]
    reason: str
    message: str
    attempts: int
    failed_at: datetime
    replayed_at: datetime | None
    discarded_at: datetime | None
    discarded_by: str | None
    discard_reason: str | None


class Discarded(NamedTuple):
    """Which letter was given up for good."""

    event_id: uuid.UUID
    side: str


_COLUMNS = """event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts, failed_at,
              replayed_at, discarded_at, discarded_by, discard_reason"""
# An empty text or a missing instant is no condition.
_FIND = sql(
    f"""
    SELECT {{columns}} FROM (
        SELECT 'outbox' AS side, {_COLUMNS} FROM outbox_dlq
        UNION ALL SELECT consumer, {_COLUMNS} FROM inbox_dlq
    ) AS letters
    WHERE (CAST(:event_id AS uuid) IS NULL OR event_id = :event_id)
      AND (CAST(:event_type AS text) = '' OR type = :event_type)
      AND (CAST(:side AS text) = '' OR side = :side)
      AND (CAST(:reason AS text) = '' OR reason = :reason)
      AND (CAST(:since AS timestamptz) IS NULL OR failed_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR failed_at < :until)
      AND CASE CAST(:state AS text)
              WHEN 'dead' THEN replayed_at IS NULL AND discarded_at IS NULL
              WHEN 'discarded' THEN discarded_at IS NOT NULL
              ELSE true
          END
    ORDER BY failed_at, event_id
    """,  # noqa: S608
    DeadEvent,
)
# Those for whom it waits and those it is put back for, each once: the bus takes values of at most 1024 bytes.
_BOTH = f"""(SELECT string_agg(name, ',' ORDER BY first) FROM (
                        SELECT name, min(place) AS first
                        FROM unnest(string_to_array(o.headers ->> '{ONLY_FOR}', ',')
                                    || string_to_array(excluded.headers ->> '{ONLY_FOR}', ','))
                             WITH ORDINALITY AS meant (name, place)
                        GROUP BY name) AS names)"""  # noqa: S608
# Whatever the owner still has of the event is published again, else it is written again from the letter. Event ids sort by
# age, and so do the new rows. `only` is whom it is put back for, empty for all: what still waits for some is then for those
# as well, what waits for all stays so. When all had got it is kept, for `prove`.
_PUT_BACK = sql(
    f"""
    INSERT INTO outbox AS o (event_id, type, version, topic, ordering_key, payload, headers, created_at, available_at)
    SELECT e.event_id, e.type, e.version, e.topic, e.ordering_key, e.payload, CAST(e.headers AS jsonb), :now, :now
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:types AS text[]), CAST(:versions AS integer[]),
                CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:payloads AS bytea[]), CAST(:headers AS text[]))
         AS e (event_id, type, version, topic, ordering_key, payload, headers)
    ORDER BY e.event_id
    ON CONFLICT ON CONSTRAINT outbox_event_id_key DO UPDATE
        SET published_at = NULL, attempts = 0, available_at = :now, lease_token = NULL, lease_until = NULL,
            headers = CASE
                WHEN NOT excluded.headers ? '{ONLY_FOR}' THEN o.headers - '{ONLY_FOR}' - '{SENT_TO_ALL_AT}'
                WHEN o.headers ? '{ONLY_FOR}' THEN o.headers || jsonb_build_object('{ONLY_FOR}',
                    CASE WHEN o.published_at IS NULL THEN {_BOTH} ELSE excluded.headers ->> '{ONLY_FOR}' END)
                ELSE o.headers || jsonb_build_object('{ONLY_FOR}', excluded.headers ->> '{ONLY_FOR}',
                                                     '{SENT_TO_ALL_AT}', o.published_at)
            END
        WHERE o.published_at IS NOT NULL OR o.headers ? '{ONLY_FOR}'
    """  # noqa: S608
)
# A letter that failed again meanwhile has another `failed_at`, and is another letter.
_SEEN = """FROM unnest(CAST(:event_ids AS uuid[]), CAST(:sides AS text[]), CAST(:failed_ats AS timestamptz[]))
                AS seen (event_id, side, failed_at)
           WHERE d.event_id = seen.event_id AND d.failed_at = seen.failed_at"""
_PUT_BACK_NOW = "replayed_at = :now, discarded_at = NULL, discarded_by = NULL, discard_reason = NULL"
_MARK_OUTBOX = sql(f"UPDATE outbox_dlq d SET {_PUT_BACK_NOW} {_SEEN} AND seen.side = 'outbox'")  # noqa: S608
_MARK_INBOX = sql(f"UPDATE inbox_dlq d SET {_PUT_BACK_NOW} {_SEEN} AND d.consumer = seen.side")  # noqa: S608
_GIVEN_UP = "discarded_at = :now, discarded_by = :by, discard_reason = :why"
_STILL = "AND d.replayed_at IS NULL AND d.discarded_at IS NULL RETURNING d.event_id, seen.side"
_DISCARD_OUTBOX = sql(f"UPDATE outbox_dlq d SET {_GIVEN_UP} {_SEEN} AND seen.side = 'outbox' {_STILL}", Discarded)  # noqa: S608
_DISCARD_INBOX = sql(f"UPDATE inbox_dlq d SET {_GIVEN_UP} {_SEEN} AND d.consumer = seen.side {_STILL}", Discarded)  # noqa: S608
_APPLIED = sql("SELECT consumer FROM inbox WHERE event_id = :event_id ORDER BY 1", str)


# Which letters are meant: those that wait for an operator, those that one discarded, or all.
State = Literal["dead", "discarded", "any"]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which letters; an empty field does not filter. `side` is a consumer, or "outbox"; times are those of the failure."""

    event_id: uuid.UUID | None = None
    service: str = ""
    event_type: str = ""
    side: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    state: State = "dead"


@dataclass(frozen=True)
class Letter:
    """A dead letter and the service in whose database it lies."""

    service: str
    row: DeadEvent

    @property
    def owner(self) -> str:
        """Return the service that the event comes from; what the object store noticed has no owner but its consumer."""
        name = self.row.topic.partition(".")[0]
        return name if name in services_present() else self.service

    @property
    def is_dead(self) -> bool:
        """Return whether it waits for an operator: neither put back nor given up."""
        return self.row.replayed_at is None and self.row.discarded_at is None

    @property
    def happened_at(self) -> datetime:
        """Return when the event happened, as its id says; of a foreign id only when it failed."""
        event_id, failed_at = self.row.event_id, self.row.failed_at
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
        return [each for name in self.databases for each in self._read(name, _APPLIED, {"event_id": event_id})]

    def replay(self, letters: Sequence[Letter]) -> Iterator[int]:
        """Put letters back, oldest event first; yields how many are after each batch. Raises DatabaseAway."""
        ordered = sorted(letters, key=lambda letter: (letter.happened_at, letter.row.event_id))
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            for owner, owned in _grouped(batch, "owner").items():
                with self._write(owner, act="dlq-replay") as tx:
                    _put_back(tx, owned)
            for service, dead in _grouped(batch, "service").items():
                with self._write(service, act="dlq-replay") as tx:
                    _mark(tx, dead)
            yield start + len(batch)

    def discard(self, letters: Sequence[Letter], *, why: str) -> int:
        """Give letters up for good; returns how many were still dead. Raises DatabaseAway."""
        count = 0
        for service, dead in _grouped(letters, "service").items():
            with self._write(service, act="dlq-discard") as tx:
                count += _discard(tx, dead, why=why)
        return count

    def _read(self, service: str, statement: Sql[R], parameters: dict[str, object]) -> list[R]:
        try:
            with self.databases[service].read(Call()) as tx:
                return tx.execute(statement, parameters).all()
        except SQLAlchemyError as error:
            if not is_unavailable(error):
                raise
            self.away.add(service)
            return []

    @contextmanager
    def _write(self, service: str, *, act: str) -> Iterator[Tx]:
        call = Call(principal=Principal(service="operator", origin=getpass.getuser()), request_id=act)
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
    refused: dict[uuid.UUID, list[Letter]] = defaultdict(list)
    for letter in letters:
        refused[letter.row.event_id].append(letter)
    rows = [each[0].row for each in refused.values()]
    tx.execute(
        _PUT_BACK,
        {
            "now": tx.now,
            "event_ids": [row.event_id for row in rows],
            "types": [row.type for row in rows],
            "versions": [row.version for row in rows],
            "topics": [row.topic for row in rows],
            "keys": [row.ordering_key for row in rows],
            "payloads": [row.payload for row in rows],
            "headers": [json.dumps(_headers(each)) for each in refused.values()],
        },
    )


def _headers(letters: Sequence[Letter]) -> dict[str, str]:
    """Return the headers of an event that is put back; what could not be published is for whom it was before."""
    headers = {name: value for letter in letters for name, value in letter.row.headers.items()}
    headers.pop(SENT_TO_ALL_AT, None)
    meant = [
        letter.row.headers.get(ONLY_FOR, "") if letter.row.side == OUTBOX else letter.row.side for letter in letters
    ]
    headers[ONLY_FOR] = ",".join(sorted({name for names in meant for name in names.split(",")}))
    if "" in meant:
        del headers[ONLY_FOR]
    return headers


def _mark(tx: Tx, letters: Sequence[Letter]) -> None:
    parameters = {"now": tx.now, **_seen(letters)}
    tx.execute(_MARK_OUTBOX, parameters)
    tx.execute(_MARK_INBOX, parameters)
    _audit(tx, letters, action="dlq.replay", after={"by": getpass.getuser()})


def _discard(tx: Tx, letters: Sequence[Letter], *, why: str) -> int:
    parameters = {"now": tx.now, "by": getpass.getuser(), "why": why, **_seen(letters)}
    given_up = {row for each in (_DISCARD_OUTBOX, _DISCARD_INBOX) for row in tx.execute(each, parameters)}
    done = [letter for letter in letters if Discarded(letter.row.event_id, letter.row.side) in given_up]
    _audit(tx, done, action="dlq.discard", after={"by": getpass.getuser(), "why": why})
    return len(done)


def _seen(letters: Sequence[Letter]) -> dict[str, list[object]]:
    return {
        "event_ids": [letter.row.event_id for letter in letters],
        "sides": [letter.row.side for letter in letters],
        "failed_ats": [letter.row.failed_at for letter in letters],
    }


def _audit(tx: Tx, letters: Sequence[Letter], *, action: str, after: dict[str, str]) -> None:
    rows = [letter.row for letter in letters]
    changes = [
        audit.Change(
            row.event_id, {"side": row.side, "reason": row.reason, "failed_at": row.failed_at.isoformat()}, after
        )
        for row in rows
    ]
    audit.write_rows(tx, action=action, changes=changes)


def _grouped(letters: Sequence[Letter], attribute: str) -> dict[str, list[Letter]]:
    groups: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[getattr(letter, attribute)].append(letter)
    return groups
