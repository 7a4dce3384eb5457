"""One database per service: an engine for transactions and an autocommit view of the same pool for reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from meshkit.errors import DependencyUnavailable
from meshkit.obs.metrics import TX_RETRIES

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

# Set per connection, not per transaction: one round trip less on every call.
_SESSION = (
    "-c statement_timeout=10000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
)
_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_LOCK_NOT_AVAILABLE = "55P03"
_CONNECTION_LOST = ("08", "57P")


class Database:
    """The pool of one process. Only meshkit opens and commits transactions on it."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """`url` is `postgresql+psycopg://…`; `pool_size` connections at most, none is opened yet."""
        self.write: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=False,
            connect_args={"options": _SESSION, "connect_timeout": 3},
        )
        # Half of a read's cost is BEGIN and ROLLBACK round trips.
        self.read: Engine = self.write.execution_options(isolation_level="AUTOCOMMIT")

    def ping(self) -> None:
        """Answer whether the database does. Raises an SQLAlchemy error if not."""
        with self.read.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close the pool."""
        self.write.dispose()


def retry_reason(error: Exception) -> str | None:
    """Return why a transaction may simply be run again, or None."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return {_SERIALIZATION_FAILURE: "serialization", _DEADLOCK: "deadlock"}.get(state or "")
    return None


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


def unavailable() -> DependencyUnavailable:
    """Return the answer for a database that is away."""
    return DependencyUnavailable("The database does not answer.", dependency="postgres")


def run_with_retries(work: Callable[[], Result], *, attempts: int = 3) -> Result:
    """Run a whole transaction, again after a deadlock or serialization failure, `attempts` times in all."""
    for attempt in range(1, attempts + 1):
        try:
            return work()
        except DBAPIError as error:
            reason = retry_reason(error)
            if reason is None or attempt == attempts:
                raise
            TX_RETRIES.labels(reason).inc()
    raise AssertionError("unreachable")
