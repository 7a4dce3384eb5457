"""`marketmesh dlq`: look at dead letters and put them back. Replaying keeps the event id, so nothing is applied twice."""

from __future__ import annotations

import getpass
import json
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer
from google.protobuf import empty_pb2
from google.protobuf.message_factory import GetMessageClass

from deploy.cli.connection import NoStack, transactions_of, use_environment
from deploy.cli.console import fail, say, table
from deploy.cli.contracts import event_messages, services_present
from meshkit import audit
from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.events.envelope import spec_of
from meshkit.principal import Principal

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

app = typer.Typer(help="Dead letters: events that could not be published or applied.", no_args_is_help=True)

_LIST = sql(
    """
    SELECT '' AS consumer, event_id, type, reason, attempts, failed_at, replayed_at FROM outbox_dlq
    UNION ALL
    SELECT consumer, event_id, type, reason, attempts, failed_at, replayed_at FROM inbox_dlq
    ORDER BY failed_at
    """
)
_SHOW = sql(
    """
    SELECT '' AS consumer, event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts,
           failed_at, replayed_at FROM outbox_dlq WHERE event_id = :event_id
    UNION ALL
    SELECT consumer, event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts,
           failed_at, replayed_at FROM inbox_dlq WHERE event_id = :event_id
    """
)
# A dead outbox row goes back into the outbox; an event that one consumer refused is published again with the same id:
# whoever applied it already finds it in the inbox.
_REPLAY = sql(
    """
    INSERT INTO outbox (event_id, type, version, topic, ordering_key, payload, headers, created_at, available_at)
    SELECT event_id, type, version, topic, ordering_key, payload, headers, :now, :now FROM outbox_dlq
    WHERE event_id = :event_id AND replayed_at IS NULL
    ON CONFLICT ON CONSTRAINT outbox_event_id_key DO NOTHING
    """
)
_REPUBLISH = sql(
    "UPDATE outbox SET published_at = NULL, attempts = 0, available_at = :now, lease_token = NULL, lease_until = NULL"
    " WHERE event_id = :event_id"
)
_MARK = sql("UPDATE outbox_dlq SET replayed_at = :now WHERE event_id = :event_id AND replayed_at IS NULL")
_MARK_INBOX = sql("UPDATE inbox_dlq SET replayed_at = :now WHERE event_id = :event_id AND replayed_at IS NULL")


@app.callback()
def _environment() -> None:
    try:
        use_environment()
    except NoStack as error:
        raise fail(f"dlq: {error}") from None


@app.command(name="list")
def list_dead(
    service: Annotated[str, typer.Option(help="Only this service.")] = "",
    event_type: Annotated[str, typer.Option("--type", help="Only this type of event.")] = "",
) -> None:
    """Show what is dead, oldest first."""
    rows = [
        (
            name,
            row.consumer or "outbox",
            row.event_id,
            row.type,
            row.reason,
            row.attempts,
            row.failed_at,
            row.replayed_at,
        )
        for name in services_present()
        if service in {"", name}
        for row in _read(name, _LIST)
        if event_type in {"", row.type}
    ]
    header = ("service", "side", "event", "type", "reason", "attempts", "failed at", "replayed at")
    say(table(header, rows) if rows else "dlq: nothing is dead")


@app.command()
def show(event_id: str) -> None:
    """Show one dead letter with its payload and why it failed."""
    wanted = _uuid(event_id)
    types = {spec_of(descriptor).type: descriptor for descriptor in event_messages()}
    found = [(name, row) for name in services_present() for row in _read(name, _SHOW, event_id=wanted)]
    if not found:
        raise fail(f"dlq: no dead letter {event_id}")
    for name, row in found:
        descriptor = types.get(row.type)
        message = GetMessageClass(descriptor).FromString(bytes(row.payload)) if descriptor else "(unknown type)"
        say(f"{name} {row.consumer or 'outbox'} {row.type} v{row.version} on {row.topic}, key {row.ordering_key}")
        say(f"failed {row.failed_at} after {row.attempts} attempts ({row.reason}): {row.message}")
        say(f"headers {json.dumps(dict(row.headers), sort_keys=True)}")
        say(str(message))


@app.command()
def replay(event_id: str) -> None:
    """Put one dead letter back; audited."""
    wanted = _uuid(event_id)
    replayed = [name for name in services_present() if _read(name, _SHOW, event_id=wanted)]
    if not replayed:
        raise fail(f"dlq: no dead letter {event_id}")
    _replay(wanted, replayed)
    say(f"dlq: {event_id} is on its way again")


@app.command(name="replay-all")
def replay_all(
    service: Annotated[str, typer.Option(help="Only dead letters in this service.")] = "",
    event_type: Annotated[str, typer.Option("--type", help="Only this type of event.")] = "",
) -> None:
    """Put every dead letter that fits the filter back; audited."""
    wanted: dict[uuid.UUID, list[str]] = {}
    for name in services_present():
        for row in _read(name, _LIST) if service in {"", name} else ():
            if event_type in {"", row.type} and row.replayed_at is None:
                wanted.setdefault(row.event_id, []).append(name)
    for event_id, names in wanted.items():
        _replay(event_id, names)
    say(f"dlq: {len(wanted)} events are on their way again")


def _replay(event_id: uuid.UUID, dead_in: list[str]) -> None:
    for name in services_present():
        transactions = transactions_of(name)
        call = Call(principal=Principal(service="operator", origin=getpass.getuser()), request_id=f"dlq-{event_id}")
        with transactions.write(call) as tx:
            parameters = {"event_id": event_id, "now": tx.now}
            tx.execute(_REPLAY, parameters)
            tx.execute(_REPUBLISH, parameters)
            if name in dead_in:
                _mark(tx, parameters)
        transactions.database.close()


def _mark(tx: Tx, parameters: dict[str, Any]) -> None:
    tx.execute(_MARK, parameters)
    tx.execute(_MARK_INBOX, parameters)
    tx.audit(target=parameters["event_id"], after={"by": getpass.getuser()})
    audit.write(tx, action="dlq.replay", target=str(parameters["event_id"]), request=empty_pb2.Empty())


def _read(service: str, statement: Any, **parameters: Any) -> list[Any]:
    transactions = transactions_of(service)
    with transactions.read(Call()) as tx:
        rows = list(tx.execute(statement, parameters).all())
    transactions.database.close()
    return rows


def _uuid(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise fail(f"dlq: {value} is not an event id") from None
