"""Undoes what flows that nobody goes on with left in other services: once a minute, in whichever process serves.

The caller was told to come back and did not, or a defect kept the flow from ending until its key expires (decision 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit import idempotency
from meshkit.call import Call
from meshkit.errors import DependencyUnavailable, MeshError
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from meshkit.db.tx import Transactions
    from meshkit.idempotency import GivenUp

# Callers are told to come back within seconds; the key lives for a day, so the other service has 23 hours to be there.
GIVEN_UP_AFTER = timedelta(hours=1)
# The row is the only record of the flow: undo before it goes.
BEFORE_EXPIRY = timedelta(hours=2)
_EVERY_SECONDS = 60.0
_BATCH = 100


@dataclass(frozen=True)
class GivenUpFlows:
    """One per process; two at once only do work twice. `undo` says by method how, and may be done again."""

    transactions: Transactions
    undo: Mapping[str, Callable[[Call, GivenUp], None]]

    def run(self, stop: threading.Event) -> None:
        """Undo until told to stop; what could not be undone stays taken and is tried again."""
        while not stop.wait(_EVERY_SECONDS):
            try:
                self.undo_all()
            except (MeshError, SQLAlchemyError) as error:
                get_logger().warning("flow.given_up_not_undone", error=str(error)[:300])

    def undo_all(self) -> None:
        """Undo what is given up now. Raises DependencyUnavailable while the other service is away."""
        for method in self.undo:
            with self.transactions.write(Call()) as tx:
                flows = idempotency.take_given_up(
                    tx,
                    method=method,
                    called_before=tx.now - GIVEN_UP_AFTER,
                    expires_before=tx.now + BEFORE_EXPIRY,
                    limit=_BATCH,
                )
            # One by one: the flows have nothing in common, and one that cannot be undone keeps none of the others.
            for flow in flows:
                self._undo(method, flow)

    def _undo(self, method: str, flow: GivenUp) -> None:
        call = Call(request_id=f"undo-{flow.flow_id.hex}", work=f"undo-{method.rpartition('/')[2]}")
        try:
            self.undo[method](call, flow)
        except DependencyUnavailable:
            raise
        except MeshError as error:
            get_logger().error("flow.given_up_not_undone", method=method, flow_id=str(flow.flow_id), error=str(error))
            return
        with self.transactions.write(call) as tx:
            idempotency.forget_given_up(tx, method=method, flow_id=flow.flow_id)
        get_logger().info("flow.given_up_undone", method=method, flow_id=str(flow.flow_id), store_id=str(flow.store_id))
