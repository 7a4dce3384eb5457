"""A write that must talk to other services: several short recorded transactions, each safe to repeat.

The idempotency row is the flow's record: it holds the request and who sent it until the answer is stored, so that a
repeated call or the resume job takes an abandoned flow up again under the same id. Everything a flow makes gets ids
derived from that id, so doing a step again names the same objects.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshkit import audit, idempotency

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.db.tx import Transactions, Tx
    from meshkit.grpc.policy import MethodPolicy
    from meshkit.idempotency import Key
    from meshkit.principal import Principal


@dataclass
class Flow:
    """One run of a flow. `completed` is the stored answer once there is one."""

    id: uuid.UUID
    call: Call
    transactions: Transactions
    policy: MethodPolicy
    request: Message
    key: Key
    completed: bytes | None = field(default=None)

    @property
    def principal(self) -> Principal:
        """Return the caller."""
        return self.call.principal

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open one short transaction of the flow. No outside call may happen inside it."""
        with self.transactions.write(self.call) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open an autocommit view for reading."""
        with self.transactions.read(self.call) as tx:
            yield tx

    def complete(self, tx: Tx, response: Message) -> Message:
        """Store the answer and the audit row in the flow's last transaction; returns the answer."""
        self.completed = response.SerializeToString(deterministic=True)
        if self.policy.audit:
            audit.write(tx, action=self.policy.audit, target=tx.audit_target, request=self.request)
        idempotency.store(tx, self.key, response=self.completed, headers=self.call.headers)
        return response
