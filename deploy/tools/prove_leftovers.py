"""Checks of `marketmesh prove` across services, beside orders and money: unanswered flows, lost photos, lost notices."""

from __future__ import annotations

import importlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.db.rows import R
    from meshkit.db.sql import Sql
    from meshkit.db.tx import Transactions


class UnansweredFlow(NamedTuple):
    """A flow whose caller waits."""

    method: str
    flow_id: uuid.UUID


class ProvenDelivery(NamedTuple):
    """A delivery with its photo or signature."""

    order_id: uuid.UUID
    proof_media_id: uuid.UUID


class AttachedProof(NamedTuple):
    """A photo or signature that is attached to an order."""

    entity_id: uuid.UUID
    media_id: uuid.UUID


class Failure(NamedTuple):
    """An event about a failed payment."""

    event_id: uuid.UUID
    payload: bytes
    created_at: datetime


# Neither released for its caller to repeat nor given up, and older than all tries together take.
_UNANSWERED = sql(
    "SELECT method, flow_id FROM idempotency_keys WHERE response IS NULL AND flow_id IS NOT NULL"
    " AND lease_until <= expires_at AND created_at < now() - interval '10 minutes' ORDER BY created_at LIMIT 100",
    UnansweredFlow,
)
_PROVEN = sql(
    "SELECT order_id, proof_media_id FROM order_assignments WHERE proof_media_id IS NOT NULL AND delivery_time IS NOT NULL",
    ProvenDelivery,
)
_ATTACHED = sql("SELECT entity_id, media_id FROM media_attachments WHERE entity_type = 'delivery_proof'", AttachedProof)
_FAILURES = sql("SELECT event_id, payload, created_at FROM outbox WHERE type = 'payment_failed'", Failure)
_HEARD = sql("SELECT event_id FROM inbox WHERE consumer = 'identity.finance.payment.v1'", uuid.UUID)
_NOTICES = sql("SELECT id FROM notifications WHERE id = ANY(CAST(:ids AS uuid[]))", uuid.UUID)


def prove_flows(databases: Mapping[str, Transactions]) -> list[str]:
    """Return every flow whose caller has had no answer for so long that none will come by itself."""
    return [
        f"{service}: flow {row.flow_id} of {row.method} has no answer"
        for service, transactions in databases.items()
        for row in _rows(transactions, _UNANSWERED)
    ]


def prove_photos(databases: Mapping[str, Transactions]) -> list[str]:
    """Return every delivery whose photo or signature is attached to nothing: it could be deleted."""
    attached = {(row.entity_id, row.media_id) for row in _rows(databases["media"], _ATTACHED)}
    return [
        f"order {row.order_id} was delivered, its proof {row.proof_media_id} is not attached in media"
        for row in _rows(databases["fulfillment"], _PROVEN)
        if (row.order_id, row.proof_media_id) not in attached
    ]


def prove_notices(databases: Mapping[str, Transactions]) -> list[str]:
    """Return every failed payment whose event identity has applied without notifying an administrator; each failure counts.

    Left out are failures so old that their notice may be deleted. Their age is that of the failure: a row that was replayed is
    younger than its event.
    """
    heard = set(_rows(databases["identity"], _HEARD))
    kept_since = _notices_kept_since(databases["identity"])
    notices_of = importlib.import_module("services.identity.notifications.events.payments").payment_failed
    wanted: dict[uuid.UUID, str] = {}
    for row in _rows(databases["finance"], _FAILURES):
        event = finance.PaymentFailed.FromString(row.payload)
        # In events from before the field existed, a notice's id depends on when it was handled, which is stored nowhere.
        known = row.event_id in heard and event.HasField("failed_at")
        if known and event.failed_at.ToDatetime(tzinfo=UTC) > kept_since:
            for notice in notices_of(event, row.created_at):
                wanted[derived_id("notification", notice.cause, notice.store_id)] = event.order_id
    notified = set(_rows(databases["identity"], _NOTICES, ids=list(wanted)))
    return [
        f"a failed payment of order {order_id} is in no inbox"
        for id_, order_id in wanted.items()
        if id_ not in notified
    ]


def _notices_kept_since(identity: Transactions) -> datetime:
    """Return the instant since which no notice can have been deleted; a day is left for clocks that differ."""
    settings = importlib.import_module("services.identity.settings").IdentitySettings
    # The operator who proves need not have the other settings that identity requires.
    days = settings(database_url="", signing_key_file="").notification_days
    return identity.clock.now() - timedelta(days=days - 1)


def _rows(transactions: Transactions, statement: Sql[R], **parameters: object) -> list[R]:
    with transactions.read(Call()) as tx:
        return tx.execute(statement, parameters).all()
