"""The open transaction that use cases receive. Nobody below the edge can commit: only this module does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol, overload

from meshkit import outbox
from meshkit.crash import transaction_point
from meshkit.db.rows import R, Rows, row_maker
from meshkit.db.sql import Parameters, Sql, sql
from meshkit.errors import MeshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from google.protobuf.message import Message
    from sqlalchemy import Executable
    from typing_extensions import TypeForm

    from meshkit.call import Call
    from meshkit.clock import Clock
    from meshkit.db.engine import Database, Session
    from meshkit.principal import Principal


_ALLOW_MINUTES = sql("SET LOCAL statement_timeout = '15min'")


class Effect(Protocol):
    """What a Core statement that is run for its effect gives: how many rows it touched."""

    @property
    def rowcount(self) -> int:
        """Return the number of rows."""
        ...


@dataclass
class Tx:
    """A transaction, the instant it counts as, and who it is for."""

    now: datetime
    call: Call
    connect: Callable[[], Session]
    # Gives a reading's connection back; a transaction cannot let go of its own.
    disconnect: Callable[[], None] | None = None
    events: list[outbox.NewEvent] = field(default_factory=list)
    # State of the audited object before and after the change, if the use case gives it.
    audit_before: Mapping[str, object] | None = None
    audit_after: Mapping[str, object] | None = None
    audit_target: str = ""
    # Notes from one step of this transaction to the next.
    notes: set[str] = field(default_factory=set)
    _last: dict[str, dict[str, Any]] = field(default_factory=dict)
    _after: list[Callable[[], None]] = field(default_factory=list)

    @cached_property
    def session(self) -> Session:
        """Return the connection, taken from the pool when first needed: a read that only calls out holds none."""
        return self.connect()

    @property
    def principal(self) -> Principal:
        """Return the caller."""
        return self.call.principal

    def outside(self) -> Call:
        """Return the call on whose behalf others are asked, of a reading: it holds no connection while they answer.

        Readings go on afterwards, on another one. A few slow answers would take the whole pool otherwise.
        """
        assert self.disconnect is not None, "an outside call never happens inside a transaction"
        self.disconnect()
        self.__dict__.pop("session", None)
        return self.call

    @overload
    def execute(self, statement: Sql[R], parameters: Parameters = None) -> Rows[R]: ...
    @overload
    def execute(self, statement: Executable, parameters: Parameters = None) -> Effect: ...
    def execute(self, statement: Any, parameters: Parameters = None) -> Any:
        """Run one statement: a plain one, which knows the class of its rows, or a Core one for its effect alone."""
        return self.session.execute(statement, parameters)

    def fetch(self, statement: Executable, row: TypeForm[R]) -> Rows[R]:
        """Run a Core statement and return its rows; `row` is their NamedTuple, or the type of its only column's values."""
        result = self.session.execute(statement, None)
        columns = tuple((column.name, column.type_code) for column in result.cursor.description)
        make = row_maker(row, columns, statement)
        return Rows([make(each) for each in result], result.rowcount)

    def execute_last(self, statement: str, parameters: dict[str, Any]) -> None:
        """Run a plain statement right before the commit, in one round trip with all others of that kind.

        They do not see each other's effects, and each names its parameters with a prefix of its own.
        """
        self._last[statement] = parameters

    def run_last(self) -> None:
        """Run what waits for the end. Called once, by the edge."""
        if self._last:
            parameters = {name: value for each in self._last.values() for name, value in each.items()}
            self.execute(_together(tuple(self._last)), parameters)

    def allow_minutes(self) -> None:
        """Let each statement from here on take up to a quarter of an hour: for jobs that read everything, never for a request."""
        self.execute(_ALLOW_MINUTES)

    def after_commit(self, note: Callable[[], None]) -> None:
        """Count or log something once it is committed: a try that is rolled back and run again counts for nothing."""
        assert self.disconnect is None, "a reading commits nothing"
        self._after.append(note)

    def run_after(self) -> None:
        """Do what waits for the commit. Called once, by the edge."""
        for note in self._after:
            note()

    def emit(self, event: Message) -> None:
        """Add an event to the outbox; it is published if and only if this transaction commits.

        Raises LookupError when the message type does not declare where it travels.
        """
        self.events.append(outbox.new_event(event, self.call))

    def audit(
        self, *, target: object, before: Mapping[str, object] | None = None, after: Mapping[str, object] | None = None
    ) -> None:
        """Tell the audit row of this call what was changed and how; more about the same target is added to it."""
        if self.audit_target == str(target):
            before = before if self.audit_before is None else {**self.audit_before, **(before or {})}
            after = after if self.audit_after is None else {**self.audit_after, **(after or {})}
        self.audit_target, self.audit_before, self.audit_after = str(target), before, after


@dataclass(frozen=True)
class Transactions:
    """Opens transactions for the edges. `on_events` is called when a commit left events to publish."""

    database: Database
    clock: Clock
    source: str
    on_events: Any = None

    @contextmanager
    def write(self, call: Call) -> Iterator[Tx]:
        """Open a transaction; commits when the block ends, rolls back when it raises.

        A MeshError that is `keeping_writes` commits and is raised all the same.
        """
        refusal: MeshError | None = None
        call.writes += 1
        with self.database.transaction() as session:
            tx = Tx(now=self.clock.now(), call=call, connect=lambda: session)
            try:
                yield tx
            except MeshError as error:
                if not error.keeps_writes:
                    raise
                refusal = error
            if tx.events:
                tx.execute_last(*outbox.insertion(tx.events, now=tx.now, source=self.source))
            tx.run_last()
            transaction_point(call, "committing")
        transaction_point(call, "committed")
        tx.run_after()
        if tx.events and self.on_events:
            self.on_events()
        if refusal is not None:
            raise refusal

    @contextmanager
    def read(self, call: Call) -> Iterator[Tx]:
        """Open an autocommit view for reading; nothing may be written or emitted through it."""
        with ExitStack() as stack:
            yield Tx(
                now=self.clock.now(),
                call=call,
                connect=lambda: stack.enter_context(self.database.reading()),
                disconnect=stack.close,
            )


@cache
def _together(statements: tuple[str, ...]) -> Sql[Any]:
    """Return several data-modifying statements as one."""
    *first, last = statements
    parts = ", ".join(f"part_{number} AS ({statement})" for number, statement in enumerate(first))
    return sql(f"WITH {parts} {last}" if parts else last)
