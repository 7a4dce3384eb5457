"""A write that must talk to other services: several short recorded transactions, each safe to repeat.

The idempotency row is the flow's record: it holds the request and who sent it until the answer is stored, so that a
repeated call or the resume job takes an abandoned flow up again under the same id. Everything a flow makes gets ids
derived from that id, so doing a step again names the same objects.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit import audit, idempotency
from meshkit.errors import IdempotencyInProgress, MeshError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.db.tx import Transactions, Tx
    from meshkit.idempotency import Key
    from meshkit.principal import Principal


class Replayed(Exception):
    """The key has its answer already: nothing of the flow runs again."""

    def __init__(self, replay: idempotency.Replay) -> None:
        super().__init__("replayed")
        self.replay = replay


@dataclass
class Flow:
    """One run of a flow. `completed` is the stored answer once there is one.

    The key is claimed before anything else: in the flow's first transaction when it begins with one, in a transaction of
    its own when it begins with a reading or an outside call. A repeat that has its answer leaves by Replayed there.
    """

    origin: Call
    transactions: Transactions
    # Under which the audit row is written; empty writes none.
    action: str
    request: Message
    key: Key
    lease: timedelta = idempotency.FLOW_LEASE
    run_by: int | None = None
    completed: bytes | None = field(default=None)
    _id: uuid.UUID | None = field(default=None)
    # The flow whose claim may or may not have been committed: the connection was lost meanwhile.
    _lost_id: uuid.UUID | None = field(default=None)

    @property
    def is_claimed(self) -> bool:
        """Whether the key row stands, so that a refusal must give it back."""
        return self._id is not None

    @property
    def id_on_record(self) -> uuid.UUID | None:
        """Return the id under which the key row may stand, None when it cannot."""
        return self._id or self._lost_id

    @property
    def id(self) -> uuid.UUID:
        """Return the flow's id, the same whenever it is taken up again."""
        if self._id is None:
            with self.transaction():
                pass
        assert self._id is not None, "a committed transaction of a flow claims its key"
        return self._id

    @property
    def call(self) -> Call:
        """Return the call on whose behalf others are asked; by then the flow is on record."""
        assert self.id
        return self.origin

    @property
    def principal(self) -> Principal:
        """Return the caller."""
        return self.origin.principal

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open one short transaction of the flow. No outside call may happen inside it.

        It begins with the key's row, the first like every other, so that whoever took a slow run over and the run itself
        take turns. Raises IdempotencyKeyReused, IdempotencyInProgress, Replayed.
        """
        first = self._id is None
        try:
            with self.transactions.write(self.origin) as tx:
                if first:
                    self._id = self._claim(tx)
                elif self.completed is None:
                    self._require_unanswered(tx)
                yield tx
        except BaseException as error:
            if first and not (isinstance(error, MeshError) and error.keeps_writes):
                self._id, self._lost_id = None, self._id
            raise

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open an autocommit view for reading."""
        with self.transactions.read(self.call) as tx:
            yield tx

    def _claim(self, tx: Tx) -> uuid.UUID:
        caller = self.origin
        record = idempotency.FlowClaim(
            self.request.SerializeToString(deterministic=True),
            {**caller.principal.claims, "request_id": caller.request_id, "traceparent": caller.traceparent},
            self.lease,
            self.run_by,
        )
        claimed = idempotency.claim(tx, self.key, flow=record)
        if isinstance(claimed, idempotency.Replay):
            raise Replayed(claimed)
        assert claimed is not None, "a flow claim names the flow"
        return claimed

    def _require_unanswered(self, tx: Tx) -> None:
        """Stop a run that was so slow that another one finished the flow, or gave it up: it must have no effect any more."""
        try:
            replay = idempotency.lock_unanswered(tx, self.key)
        except IdempotencyInProgress:
            # Another process holds the key now, so it is not ours to release.
            self._id = None
            raise
        if replay is not None:
            raise Replayed(replay)

    def complete(self, tx: Tx, response: Message) -> Message:
        """Store the answer and the audit row in the flow's last transaction; returns the answer."""
        self.completed = response.SerializeToString(deterministic=True)
        if self.action:
            audit.write(tx, action=self.action, target=tx.audit_target, request=self.request)
        idempotency.store(tx, self.key, response=self.completed, headers=self.origin.headers)
        return response
