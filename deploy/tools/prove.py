"""Recompute over all databases that no stock, order, cent or event is lost or doubled. Asked by `marketmesh prove`."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from google.api_core.exceptions import GoogleAPIError

from deploy.tools import subscriptions
from deploy.tools.connection import transactions_of
from deploy.tools.contracts import services_present
from deploy.tools.prove_deliveries import prove_deliveries
from deploy.tools.prove_leftovers import prove_flows, prove_notices, prove_photos
from deploy.tools.topology import declared
from meshkit import audit
from meshkit.audit_anchor import Anchors
from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.events.bus import Bus
from meshkit.events.envelope import ONLY_FOR, SENT_TO_ALL_AT
from meshkit.settings import MeshSettings, RetentionSettings

if TYPE_CHECKING:
    from google.pubsub_v1 import Subscription

    from meshkit.db.rows import R
    from meshkit.db.sql import Sql
    from meshkit.db.tx import Transactions, Tx


class PublishedEvent(NamedTuple):
    """An event that left its owner, and for whom it was put back if it was."""

    event_id: uuid.UUID
    type: str
    topic: str
    published_at: datetime
    only_for: str | None
    sent_to_all_at: datetime | None


class DeadLetter(NamedTuple):
    """An event that was given up."""

    side: str
    type: str
    reason: str


class Order(NamedTuple):
    """An order, as commerce says."""

    id: uuid.UUID
    status: str
    total_cents: int
    payment_intent_id: uuid.UUID | None
    payment_status: str
    refunded_cents: int
    payout_returned_at: datetime | None


class Line(NamedTuple):
    """A line of an order."""

    id: uuid.UUID
    qty: int
    status: str
    order_status: str


class Intent(NamedTuple):
    """The payment of an order, as finance says."""

    id: uuid.UUID
    order_id: uuid.UUID
    amount_cents: int
    status: str
    refunded_cents: int
    came_back: bool


class Reservation(NamedTuple):
    """The stock of a line, as catalog says."""

    line_id: uuid.UUID
    quantity: int
    state: str


# What a service proves about its own tables: module and function.
_OWN = {
    "catalog": ("services.catalog.stock.usecases.prove_stock", "prove_stock"),
    "commerce": ("services.commerce.orders.usecases.prove_orders", "prove_orders"),
    "finance": ("services.finance.proofs.usecases.prove_money", "prove_money"),
}
# Events still on their way are no violation: so long they are waited for.
SETTLE_SECONDS = 30.0

_UNPUBLISHED = sql("SELECT count(*) FROM outbox WHERE published_at IS NULL", int)
# What was put back long after it happened may lie here longer than inboxes remember it.
_PUBLISHED = sql(
    f"""
    SELECT event_id, type, topic, published_at, headers ->> '{ONLY_FOR}' AS only_for,
           CAST(headers ->> '{SENT_TO_ALL_AT}' AS timestamptz) AS sent_to_all_at
    FROM outbox
    WHERE published_at IS NOT NULL AND created_at > now() - interval '24 hours' * CAST(:days AS integer)
    """,  # noqa: S608
    PublishedEvent,
)
# An event that was dead-lettered is reported once, as a dead letter, and not at all when an operator has discarded it.
_HANDLED = sql(
    "SELECT event_id FROM inbox WHERE consumer = :consumer"
    " UNION SELECT event_id FROM inbox_dlq"
    " WHERE consumer = :consumer AND (replayed_at IS NULL OR discarded_at IS NOT NULL)",
    uuid.UUID,
)
_DEAD = sql(
    "SELECT 'outbox' AS side, type, reason FROM outbox_dlq WHERE replayed_at IS NULL AND discarded_at IS NULL"
    " UNION ALL SELECT consumer, type, reason FROM inbox_dlq WHERE replayed_at IS NULL AND discarded_at IS NULL",
    DeadLetter,
)
_ORDERS = sql(
    "SELECT o.id, o.status, o.total_cents, o.payment_intent_id, o.payment_status,"
    " coalesce(s.refunded_cents, 0) AS refunded_cents, s.payout_returned_at"
    " FROM vendor_orders o LEFT JOIN order_settlements s ON s.order_id = o.id",
    Order,
)
_LINES = sql(
    "SELECT l.id, l.qty, l.status, o.status AS order_status FROM order_line_items l"
    " JOIN vendor_orders o ON o.id = l.order_id",
    Line,
)
_INTENTS = sql(
    "SELECT id, subject_id AS order_id, amount_cents, status, refunded_cents, payout_returned_at IS NOT NULL AS came_back"
    " FROM payment_intents WHERE subject_kind = 'order'",
    Intent,
)
_RESERVATIONS = sql("SELECT {columns} FROM reservations", Reservation)

# Events reported for one consumer: a longer list would not tell more.
EVENTS_SHOWN = 5
_DEAD_ORDERS = {"rejected", "canceled", "expired"}
_DELIVERED = {"delivered", "closed"}


def prove_everything(*, settle_s: float = SETTLE_SECONDS) -> list[str]:
    """Return every violation over all databases, after giving events on their way time to arrive."""
    databases = {service: transactions_of(service) for service in services_present()}
    deadline = time.monotonic() + settle_s
    while True:
        problems = _events(databases)
        if not problems or time.monotonic() > deadline:
            break
        time.sleep(0.3)
    for service, (module, function) in _OWN.items():
        if service in databases:
            problems += _ask(databases[service], service, getattr(importlib.import_module(module), function))
    for service, transactions in databases.items():
        problems += _ask(transactions, service, partial(_audit_chain, anchors=_anchors_of(service)))
    for needed, prove_between in _BETWEEN:
        if needed <= set(databases):
            problems += prove_between(databases)
    for transactions in databases.values():
        transactions.database.close()
    return problems


def _ask(transactions: Transactions, service: str, function: Callable[[Tx], list[str]]) -> list[str]:
    with transactions.read(Call()) as tx:
        return [f"{service}: {problem}" for problem in function(tx)]


def _anchors_of(service: str) -> Anchors | None:
    mesh = MeshSettings()
    if mesh.audit_anchor_folder is None:
        return None
    return Anchors(mesh.audit_anchor_folder, service, mesh.digest_key_file.read_text().strip())


def _audit_chain(tx: Tx, *, anchors: Anchors | None) -> list[str]:
    chain = audit.chain_of(tx)
    problems = [f"audit row {chain.broken} was changed or deleted after it was chained"] if chain.broken else []
    if waiting := audit.never_linked(tx):
        problems.append(f"audit row {waiting} was never chained")
    return problems + (anchors.problems(chain) if anchors else [])


def _events(databases: dict[str, Transactions]) -> list[str]:
    """Every published event was applied exactly once by every consumer that wants it; nothing is stuck or dead."""
    problems = []
    published: dict[str, list[PublishedEvent]] = {}
    days = RetentionSettings().handled_events_days
    for service, transactions in databases.items():
        rows = _rows(transactions, _PUBLISHED, days=days)
        for row in rows:
            published.setdefault(row.topic, []).append(row)
        (stuck,) = _rows(transactions, _UNPUBLISHED)
        problems += [f"{service}: {stuck} events are not published"] if stuck else []
        problems += [
            f"{service}: dead letter {row.side} {row.type}: {row.reason}" for row in _rows(transactions, _DEAD)
        ]
    return problems + _never_applied(databases, published)


def _never_applied(databases: dict[str, Transactions], published: dict[str, list[PublishedEvent]]) -> list[str]:
    missing: dict[str, list[PublishedEvent]] = {}
    for consumer in declared().consumers:
        handled = set(_rows(databases[consumer.name], _HANDLED, consumer=consumer.subscription))
        wanted = [row for row in published.get(consumer.topic, []) if row.type in consumer.types]
        missing[consumer.subscription] = [row for row in wanted if row.event_id not in handled]
    if not any(missing.values()):
        return []
    problems, made = _subscriptions()
    for name, rows in missing.items():
        came = [row for row in rows if _came(row, name) >= _since(made.get(name), row.type)]
        problems += [f"{name}: {row.type} {row.event_id} was never applied" for row in came[:EVENTS_SHOWN]]
    return problems


def _came(row: PublishedEvent, subscription: str) -> float:
    """Return when an event was published to a subscription; never, if it was put back for others only."""
    at = row.published_at if not row.only_for or subscription in row.only_for.split(",") else row.sent_to_all_at
    return float("-inf") if at is None else float(at.timestamp())


def _subscriptions() -> tuple[list[str], dict[str, Subscription]]:
    """Return the subscriptions by their short names, or why the bus did not answer."""
    bus = Bus(project=MeshSettings().pubsub_project)
    try:
        found = subscriptions.existing(bus)
    except GoogleAPIError as error:
        return [f"since when subscriptions exist is not known, the bus does not answer: {str(error)[:200]}"], {}
    finally:
        bus.subscriber.transport.close()
    return [], {path.rpartition("/")[2]: subscription for path, subscription in found.items()}


def _since(subscription: Subscription | None, event_type: str) -> int:
    """Return since when events must have been applied: a subscription gets nothing that is older than itself."""
    return subscriptions.since(subscription, event_type) if subscription else 0


def _across(databases: dict[str, Transactions]) -> list[str]:
    orders = {row.id: row for row in _rows(databases["commerce"], _ORDERS)}
    intents = {row.order_id: row for row in _rows(databases["finance"], _INTENTS)}
    problems = []
    for order in orders.values():
        intent = intents.get(order.id)
        if intent is None:
            problems.append(f"order {order.id} has no payment intent")
        elif order.status not in _DEAD_ORDERS and intent.amount_cents != order.total_cents:
            problems.append(f"order {order.id} costs {order.total_cents}, its intent is over {intent.amount_cents}")
        else:
            problems += _payment(order, intent)
    problems += [f"payment intent of unknown order {order_id}" for order_id in intents.keys() - orders.keys()]
    return problems + _lines(databases)


def _payment(order: Order, intent: Intent) -> list[str]:
    """A closed order is one whose vendor was paid; a payout that came back leaves it closed, and it says so."""
    problems = []
    if (order.status == "closed") != (intent.status == "paid" or intent.came_back):
        problems.append(f"order {order.id} is {order.status}, its intent {intent.status}")
    elif order.status == "closed":
        says_so = order.payment_status == intent.status and (order.payout_returned_at is None) == (
            intent.status == "paid"
        )
        if not says_so:
            problems.append(f"order {order.id} is {order.payment_status}, its intent {intent.status} after a payout")
    if order.refunded_cents != intent.refunded_cents:
        problems.append(f"order {order.id} has {order.refunded_cents} refunded, its intent {intent.refunded_cents}")
    return problems


def _lines(databases: dict[str, Transactions]) -> list[str]:
    """No accepted line without stock behind it, no stock held or consumed without a line."""
    reservations = {row.line_id: row for row in _rows(databases["catalog"], _RESERVATIONS)}
    problems = []
    for line in _rows(databases["commerce"], _LINES):
        reservation = reservations.get(line.id)
        state = reservation.state if reservation else "missing"
        wanted = _wanted_state(line)
        if state not in wanted:
            problems.append(f"line {line.id} is {line.status}, its reservation {state}")
        elif reservation and state in {"reserved", "consumed"} and reservation.quantity != line.qty:
            problems.append(f"line {line.id} is over {line.qty}, its reservation over {reservation.quantity}")
    return problems


def _wanted_state(line: Line) -> set[str]:
    if line.status == "rejected" or line.order_status in _DEAD_ORDERS:
        return {"released", "refused", "expired", "missing"}
    return {"consumed"} if line.order_status in _DELIVERED else {"reserved", "consumed"}


# What is proven between services, and whose databases it takes.
_BETWEEN: tuple[tuple[set[str], Callable[[dict[str, Transactions]], list[str]]], ...] = (
    ({"catalog", "commerce", "finance"}, _across),
    ({"commerce", "finance", "fulfillment"}, prove_deliveries),
    ({"fulfillment", "media"}, prove_photos),
    ({"finance", "identity"}, prove_notices),
    (set(), prove_flows),
)


def _rows(transactions: Transactions, statement: Sql[R], **parameters: object) -> list[R]:
    with transactions.read(Call()) as tx:
        return tx.execute(statement, parameters).all()
