"""The last step before the servicer: opens what the declared effect needs, commits, and answers repeats."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from meshkit import audit, idempotency
from meshkit.db.engine import is_unavailable, run_with_retries
from meshkit.errors import IdempotencyKeyMissing, MeshError, ValidationError
from meshkit.flow import Flow, Replayed
from meshkit.grpc.policy import Effect
from meshkit.grpc.prepared import preparation_of
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import IDEMPOTENT_REPLAYS

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.db.tx import Transactions, Tx
    from meshkit.grpc.policy import MethodPolicy
    from meshkit.presence import Presence

REPLAY_HEADER = "x-idempotent-replay"
_KEY_MAX = 255
_DENIALS = {"UNAUTHENTICATED", "PERMISSION_DENIED"}


@dataclass(frozen=True)
class UnitOfWork:
    """Runs a servicer method inside its transaction, or as a flow of several."""

    transactions: Transactions
    # Key of the HMAC over requests; the same in every process of the service.
    hash_key: bytes = field(repr=False)
    flow_lease: timedelta = idempotency.FLOW_LEASE
    # Knows whether the process that runs a flow is still alive; tests do without.
    presence: Presence | None = None

    def run(
        self,
        policy: MethodPolicy,
        servicer: Callable[..., Any],
        request: Message,
        call: Call,
        *,
        key: str,
        resumed: bool = False,
    ) -> Message | bytes:
        """Return the method's answer: a message, or the stored bytes of an earlier one.

        `resumed` says that no caller waits: the resume job takes an abandoned flow up.
        """
        if policy.effect == Effect.EFFECT_READ:
            with self.transactions.read(call) as tx:
                answer: Message = servicer(request, tx)
                return answer
        idempotency_key = self._key_of(policy, request, call, key)
        if policy.effect == Effect.EFFECT_FLOW:
            assert idempotency_key is not None, "policy let a flow without key through"
            return self._flow(policy, servicer, request, call, idempotency_key, resumed=resumed)
        if prepare := preparation_of(servicer):
            if idempotency_key and (stored := self._stored(idempotency_key, call)):
                return _replay(policy, call, stored)
            servicer = _with(servicer, prepare(request, call))
        return run_with_retries(lambda: self._write(policy, servicer, request, call, idempotency_key))

    def _stored(self, key: idempotency.Key, call: Call) -> idempotency.Replay | None:
        with self.transactions.read(call) as tx:
            return idempotency.find_answer(tx, key)

    def _write(
        self,
        policy: MethodPolicy,
        servicer: Callable[[Any, Any], Any],
        request: Message,
        call: Call,
        key: idempotency.Key | None,
    ) -> Message | bytes:
        call.writes = 0
        call.headers.clear()
        call.secret_headers.clear()
        with self.transactions.write(call) as tx:
            claimed = idempotency.claim(tx, key) if key else None
            if not isinstance(claimed, idempotency.Replay):
                response = self._call_servicer(policy, servicer, request, tx, key)
                if policy.audit:
                    audit.write(tx, action=policy.audit, target=_target(policy, request), request=request)
                if key is None:
                    return response
                stored = response.SerializeToString(deterministic=True)
                idempotency.store(tx, key, response=stored, headers=call.headers)
                return stored
        return _replay(policy, call, claimed)

    def _call_servicer(
        self,
        policy: MethodPolicy,
        servicer: Callable[[Any, Any], Any],
        request: Message,
        tx: Tx,
        key: idempotency.Key | None,
    ) -> Message:
        try:
            response: Message = servicer(request, tx)
        except MeshError as error:
            if error.keeps_writes:
                # What the refusal wrote stays; the idempotency key is released, so that the call can be made again.
                if key:
                    idempotency.forget(tx, key)
                if policy.audit:
                    audit.write(
                        tx, action=policy.audit, target=_target(policy, request), request=request, outcome=error.reason
                    )
            raise
        return response

    def _flow(
        self,
        policy: MethodPolicy,
        servicer: Callable[[Any, Any], Any],
        request: Message,
        call: Call,
        key: idempotency.Key,
        *,
        resumed: bool,
    ) -> Message | bytes:
        flow = Flow(
            origin=call,
            transactions=self.transactions,
            action=policy.audit,
            request=request,
            key=key,
            lease=self.flow_lease,
            run_by=self.presence.number if self.presence else None,
        )
        try:
            # A deadlock with whoever takes over this flow while it still runs: every step can be done again.
            run_with_retries(lambda: _begin(servicer, request, flow))
        except Replayed as found:
            return _replay(policy, call, found.replay)
        except MeshError as error:
            if flow.is_claimed:
                self._after_refusal(call, key, retryable=error.retryable, resumed=resumed)
            raise
        except SQLAlchemyError as error:
            if flow.id_on_record and not resumed and is_unavailable(error):
                self._after_a_lost_transaction(call, key, flow.id_on_record)
            raise
        assert flow.completed is not None, f"{policy.path} ended without completing its flow"
        return flow.completed

    def _after_refusal(self, call: Call, key: idempotency.Key, *, retryable: bool, resumed: bool) -> None:
        """Free the key after a final refusal, which left nothing behind.

        After a transient one the caller was told to try again, so only the caller may; what the resume job could not
        finish keeps its lease and is tried again.
        """
        if retryable and resumed:
            return
        with self.transactions.write(call) as tx:
            (idempotency.release if retryable else idempotency.forget)(tx, key)

    def _after_a_lost_transaction(self, call: Call, key: idempotency.Key, flow_id: uuid.UUID) -> None:
        """Let the flow go on at once. What it did elsewhere may stand, so the resume job goes on if the caller does not."""
        try:
            with self.transactions.write(call) as tx:
                idempotency.end_lease(tx, key, flow_id=flow_id)
        except SQLAlchemyError as failure:
            get_logger().warning("flow.keeps_its_lease", error=str(failure.__cause__ or failure))

    def _key_of(self, policy: MethodPolicy, request: Message, call: Call, key: str) -> idempotency.Key | None:
        if policy.keep_answer is None:
            return None
        if not key:
            raise IdempotencyKeyMissing("This write needs an Idempotency-Key header.")
        if len(key) > _KEY_MAX or not key.isprintable():
            raise ValidationError.of("Idempotency-Key", f"must be 1 to {_KEY_MAX} printable characters")
        return idempotency.Key.of(
            principal=call.principal.subject,
            method=policy.path,
            key=key,
            request=request,
            keep=policy.keep_answer,
            secret=self.hash_key,
        )

    def record_denial(self, policy: MethodPolicy, request: Message, call: Call, error: MeshError) -> None:
        """Write the audit row of a refused audited call, in a small transaction of its own."""
        if not policy.audit or error.keeps_writes or error.code not in _DENIALS:
            return
        try:
            with self.transactions.write(call) as tx:
                audit.write(
                    tx, action=policy.audit, target=_target(policy, request), request=request, outcome=error.reason
                )
        except SQLAlchemyError as failure:
            get_logger().error("audit.denial_not_written", error=str(failure))


def _with(servicer: Callable[[Any, Any, Any], Any], prepared: Any) -> Callable[[Any, Any], Any]:
    return lambda request, tx: servicer(request, tx, prepared)


def _begin(servicer: Callable[[Any, Any], Any], request: Message, flow: Flow) -> None:
    flow.origin.writes = 0
    servicer(request, flow)


def _replay(policy: MethodPolicy, call: Call, replay: idempotency.Replay) -> bytes:
    """Return the stored answer. Called outside of transactions, which may run several times: this one is counted."""
    IDEMPOTENT_REPLAYS.labels(policy.path).inc()
    call.headers = {**replay.headers, REPLAY_HEADER: "true"}
    return replay.response


def _target(policy: MethodPolicy, request: Message) -> str:
    value: Any = request
    for part in policy.resource.split(".") if policy.resource else ():
        value = getattr(value, part)
    return value if isinstance(value, str) else ""
