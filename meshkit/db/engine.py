"""One database per service: a pool of connections for transactions and one, in autocommit, for reads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from meshkit.db.sql import Cursor, Parameters, Sql, raise_as_sqlalchemy, sql
from meshkit.errors import DependencyUnavailable
from meshkit.obs.metrics import TX_RETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import PoolProxiedConnection

Result = TypeVar("Result")

# Set per connection, not per transaction: one round trip less on every call.
_SESSION = (
    "-c statement_timeout=10000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
)
_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_LOCK_NOT_AVAILABLE = "55P03"
_NOT_SUPPORTED = "0A000"
_NO_SUCH_STATEMENT = "26000"
_CONNECTION_LOST = ("08", "57P")


_PING = sql("SELECT 1", int)


class Session:
    """One connection, taken from its pool: plain statements run on it as they are, Core ones through SQLAlchemy."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._take()

    def _take(self) -> None:
        self._pool = self.engine.pool
        try:
            self._pooled: PoolProxiedConnection = self.engine.raw_connection()
        except psycopg.Error as error:
            raise_as_sqlalchemy(error, "connect")
        self._driver: psycopg.Connection[Any] = self._pooled.driver_connection  # type: ignore[assignment]
        self._cursor = Cursor(self._driver, self._pooled.info)
        self._core: Connection | None = None
        # Whether something prepared on it no longer works: on this one alone, or on all of its pool.
        self._is_unusable = self._is_pool_unusable = False

    @property
    def core(self) -> Connection:
        """Return SQLAlchemy's view of the connection; made when first needed, as most work needs none."""
        if self._core is None:
            self._core = Connection(self.engine, connection=self._pooled)
        return self._core

    def execute(self, statement: Any, parameters: Parameters) -> Any:
        """Return the statement's rows. Raises SQLAlchemy's DBAPIError, for plain statements as well.

        What a migration made stale is prepared anew by a reading; a transaction has failed, and is run again as a whole.
        """
        try:
            return self._run(statement, parameters)
        except DBAPIError as error:
            if not is_stale(error):
                raise
            self._is_unusable, self._is_pool_unusable = True, _is_changed(error)
            if not self._driver.autocommit:
                raise
        self._give_back()
        self._take()
        return self._run(statement, parameters)

    def _run(self, statement: Any, parameters: Parameters) -> Any:
        if isinstance(statement, Sql):
            return self._cursor.execute(statement, parameters)
        return self.core.execute(statement, parameters)  # type: ignore[arg-type]

    def commit(self) -> None:
        """Commit. Raises DBAPIError; then nobody knows whether it did, and the caller's repeat finds out."""
        self._cursor.commit()

    def rollback(self) -> None:
        """Roll back; a connection that is lost has done so by itself."""
        self._cursor.rollback()

    def close(self) -> None:
        """Give the connection back."""
        self._give_back()

    def _give_back(self) -> None:
        """Give the connection back. A lost one, or one whose tables changed, takes those with it that lie in the pool.

        Their server has most likely restarted, or the same statements are prepared on them. Whoever finds that out as well, but
        later, leaves the pool of new connections alone.
        """
        is_pool_unusable = self._is_pool_unusable or self._driver.closed
        if is_pool_unusable or self._is_unusable:
            self._pooled.invalidate()
        if is_pool_unusable and self.engine.pool is self._pool:
            self.engine.dispose()
        self._pooled.close()


class Database:
    """The pools of one process. Only meshkit opens and commits transactions on them."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """`url` is `postgresql+psycopg://…`; `pool_size` connections at most for each of the two, none is opened yet."""
        self._write = _engine(url, pool_size=pool_size, isolation_level=None)
        # Half of a read's cost is BEGIN and ROLLBACK round trips.
        self._read = _engine(url, pool_size=pool_size, isolation_level="AUTOCOMMIT")
        # A pool of its own for health checks, so that they do not wait behind requests.
        self._probe = _engine(url, pool_size=1, isolation_level="AUTOCOMMIT")
        self.engines = (self._write, self._read, self._probe)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a connection with a transaction; commits when the block ends, rolls back when it raises."""
        session = Session(self._write)
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield an autocommit connection."""
        session = Session(self._read)
        try:
            yield session
        finally:
            session.close()

    def ping(self) -> None:
        """Answer whether the database does. Raises an SQLAlchemy error if not."""
        session = Session(self._probe)
        try:
            session.execute(_PING, None)
        finally:
            session.close()

    def close(self) -> None:
        """Close the pools."""
        for engine in self.engines:
            engine.dispose()


def _engine(url: str, *, pool_size: int, isolation_level: str | None) -> Engine:
    options = {"isolation_level": isolation_level} if isolation_level else {}
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        # Errors are logged, and personal data must not reach the log.
        hide_parameters=True,
        # The connection used last has the most statements prepared.
        pool_use_lifo=True,
        # A session ends its own transaction before it gives its connection back.
        pool_reset_on_return=None,
        connect_args={"options": _SESSION, "connect_timeout": 3},
        **options,
    )


def retry_reason(error: Exception) -> str | None:
    """Return why a transaction may simply be run again, or None."""
    if not isinstance(error, DBAPIError):
        return None
    if is_stale(error):
        return "stale_plan"
    state = getattr(error.orig, "sqlstate", None)
    return {_SERIALIZATION_FAILURE: "serialization", _DEADLOCK: "deadlock"}.get(state or "")


def is_stale(error: DBAPIError) -> bool:
    """Return whether a table changed under a prepared statement so that its columns do, or the server forgot it."""
    return _is_changed(error) or getattr(error.orig, "sqlstate", None) == _NO_SUCH_STATEMENT


def _is_changed(error: DBAPIError) -> bool:
    """Return whether a table changed under a prepared statement: on every connection that has prepared it."""
    refusal = error.orig
    if not isinstance(refusal, psycopg.Error):
        return False
    # Other things that Postgres does not support have the same code.
    return refusal.sqlstate == _NOT_SUPPORTED and refusal.diag.source_function == "RevalidateCachedQuery"


def is_unavailable(error: Exception) -> bool:
    """Return whether the error means that the database is away or too busy, not that we are wrong."""
    if isinstance(error, PoolTimeout | InterfaceError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError)
    return bool(state.startswith(_CONNECTION_LOST) or state == _LOCK_NOT_AVAILABLE)


def constraint_of(error: DBAPIError) -> str:
    """Return the name of the violated constraint, or an empty string."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""


def unavailable(error: Exception) -> DependencyUnavailable:
    """Return the answer for a database that is away, or in which others hold the rows."""
    held = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE
    text = "Another call holds what this one needs." if held else "The database does not answer."
    return DependencyUnavailable(text, dependency="postgres")


def run_with_retries(work: Callable[[], Result], *, attempts: int = 3) -> Result:
    """Run a whole transaction, `attempts` times in all: again after a deadlock, a serialization failure or a stale plan."""
    for attempt in range(1, attempts + 1):
        try:
            return work()
        except DBAPIError as error:
            reason = retry_reason(error)
            if reason is None or attempt == attempts:
                raise
            TX_RETRIES.labels(reason).inc()
    raise AssertionError("unreachable")
