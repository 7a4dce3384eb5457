"""Takes abandoned flows up again: their process died between two steps and nobody repeated the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from meshkit.auth import principal_of
from meshkit.call import Call
from meshkit.db.rows import JsonObject
from meshkit.db.sql import sql
from meshkit.errors import MeshError
from meshkit.obs.logging import get_logger
from meshkit.presence import LIVING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meshkit.db.tx import Transactions
    from meshkit.grpc.policy import MethodPolicy
    from meshkit.grpc.unit_of_work import UnitOfWork


class AbandonedFlow(NamedTuple):
    """A flow without an answer that nobody works on, as its key's row holds it."""

    method: str
    key: str
    flow_request: bytes
    flow_principal: JsonObject


# The lease is over, or ends later than one can: it was taken before the clock was put back. Or whoever ran the flow is dead.
_ABANDONED = sql(
    f"""
    SELECT {{columns}} FROM idempotency_keys
    WHERE response IS NULL AND flow_id IS NOT NULL
      AND (lease_until < :now OR (lease_until > :latest AND lease_until <= expires_at)
           OR (lease_until <= expires_at AND flow_principal ->> 'run_by' IS NOT NULL
               AND CAST(flow_principal ->> 'run_by' AS bigint) NOT IN ({LIVING})))
    ORDER BY lease_until LIMIT 20
    """,  # noqa: S608
    AbandonedFlow,
)


@dataclass(frozen=True)
class FlowResumer:
    """Runs each abandoned flow's method again, as its original caller, until it is completed or refused."""

    unit_of_work: UnitOfWork
    policies: Mapping[str, MethodPolicy]
    servicers: Mapping[str, Callable[[Any, Any], Any]]

    def resume_all(self, transactions: Transactions) -> int:
        """Resume what is abandoned now; returns how many flows were looked at."""
        with transactions.read(Call()) as tx:
            latest = tx.now + self.unit_of_work.flow_lease
            flows = tx.execute(_ABANDONED, {"now": tx.now, "latest": latest}).all()
        for flow in flows:
            self._resume(flow)
        return len(flows)

    def _resume(self, flow: AbandonedFlow) -> None:
        policy, origin = self.policies[flow.method], flow.flow_principal
        call = Call(
            principal=principal_of(origin),
            request_id=str(origin["request_id"]),
            traceparent=str(origin["traceparent"]),
            work=policy.path,
        )
        request = policy.request_class.FromString(flow.flow_request)
        try:
            self.unit_of_work.run(policy, self.servicers[flow.method], request, call, key=flow.key, resumed=True)
        except MeshError as error:
            get_logger().info("flow.resume_refused", method=flow.method, reason=error.reason)
        else:
            get_logger().info("flow.resumed", method=flow.method, request_id=call.request_id)
