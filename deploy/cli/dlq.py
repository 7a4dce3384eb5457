"""`marketmesh dlq`: look at dead letters, put them back or give them up. Replaying keeps the event id, so nothing is applied twice."""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from deploy.cli.console import fail, say
from deploy.cli.dead_letters import (
    OUTBOX,
    DatabaseAway,
    DeadLetters,
    Filter,
    Letter,
    State,
    dead_letters,
    forgotten_before,
)
from deploy.tools.connection import use_environment
from deploy.tools.contracts import event_messages, services_present
from deploy.tools.text_table import table
from deploy.tools.topology import declared
from meshkit.clock import SystemClock
from meshkit.event_spec import spec_of
from meshkit.settings import RetentionSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HELP = """Dead letters: events that could not be published or applied. None is lost.

\b
1. marketmesh dlq list
     what is dead, where, and why
2. marketmesh dlq show EVENT_ID
     its payload, the error, and who has applied it
3. Mend the cause first. The consumer's log has it, at "failed at".
     non_retryable  refused for good: a defect, an unknown version
     max_attempts   ten failures: something was away, or a defect
4. marketmesh dlq replay EVENT_ID
     put one back
   marketmesh dlq replay-all --type order_created --since 2h
     show what would be put back; with --yes, do it
5. marketmesh dlq list
     empty: done. Back again: the cause is still there
6. marketmesh dlq discard EVENT_ID --reason "…"
     what can never succeed: show what would be given up;
     with --yes, do it. It stays under dlq list --discarded

Replaying is safe: an event keeps its id, who has applied it ignores it, and it
goes only to those that refused it. Both are audited. Longer: docs/runbooks/dead-letters.md"""

app = typer.Typer(help=_HELP, no_args_is_help=True)

_SINCE = "Failed at or after: 2026-11-26T03:00 (UTC), or 90m, 2h, 3d ago."
_LIST_MAX = 200
_AGO = re.compile(r"^(\d+)([mhd])$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_REASON_MAX = 500
_REASONS = ("max_attempts", "non_retryable")

Service = Annotated[str, typer.Option(help="Only dead letters in this service.")]
EventType = Annotated[str, typer.Option("--type", help="Only this type of event, such as order_created.")]
Side = Annotated[str, typer.Option("--consumer", help='Only this consumer; "outbox": could not be published.')]
Reason = Annotated[str, typer.Option(help="Only max_attempts, or only non_retryable.")]
Since = Annotated[str, typer.Option(help=_SINCE)]
Until = Annotated[str, typer.Option(help="Failed before; as --since.")]
Forgotten = Annotated[
    bool,
    typer.Option("--even-if-forgotten", help="Also events so old that consumers may apply them twice. Look first."),
]

Yes = Annotated[bool, typer.Option("--yes", help="Do it. Without this nothing is changed.")]


@app.command(name="list")
def list_dead(
    *,
    service: Service = "",
    event_type: EventType = "",
    side: Side = "",
    reason: Reason = "",
    since: Since = "",
    until: Until = "",
    everything: Annotated[bool, typer.Option("--all", help="Also what was put back or discarded already.")] = False,
    discarded: Annotated[bool, typer.Option("--discarded", help="Only what was discarded.")] = False,
) -> None:
    """Show what is dead, oldest failure first. Changes nothing."""
    wanted = _filter(service=service, event_type=event_type, side=side, reason=reason, since=since, until=until)
    with _opened() as letters:
        state: State = "discarded" if discarded else "any" if everything else "dead"
        found = _find(letters, dataclasses.replace(wanted, state=state))
    rows = [
        (
            letter.service,
            letter.row.side,
            letter.row.event_id,
            letter.row.type,
            letter.row.reason,
            letter.row.attempts,
            _time(letter.row.failed_at),
            _time(letter.row.replayed_at),
            *((_time(letter.row.discarded_at), letter.row.discard_reason or "-") if everything or discarded else ()),
        )
        for letter in found[:_LIST_MAX]
    ]
    header = ["service", "side", "event", "type", "reason", "attempts", "failed at", "replayed at"]
    if everything or discarded:
        header += ["discarded at", "why"]
    say(table(header, rows) if rows else "dlq: nothing was discarded" if discarded else "dlq: nothing is dead")
    if len(found) > _LIST_MAX:
        say(f"dlq: and {len(found) - _LIST_MAX} more; narrow it down, or see `marketmesh dlq replay-all` for the sums")


@app.command()
def show(event_id: str) -> None:
    """Show one dead letter: payload, error, who has applied it. Changes nothing."""
    wanted = _uuid(event_id)
    with _opened() as letters:
        found = letters.find(Filter(event_id=wanted, state="any"))
        applied = letters.applied_by(wanted)
    if not found:
        raise fail(f"dlq: no dead letter {event_id}")
    for letter in found:
        row = letter.row
        where = "could not be published" if row.side == OUTBOX else f"could not be applied by {row.side}"
        say(f"{letter.service}: {row.type} v{row.version} {where}")
        say(f"topic        {row.topic}, key {row.ordering_key}")
        say(f"happened at  {_time(letter.happened_at)}")
        say(f"failed at    {_time(row.failed_at)} after {row.attempts} attempts ({row.reason})")
        say(f"error        {row.message}")
        say(f"replayed at  {_time(row.replayed_at)}")
        if row.discarded_at:
            say(f"discarded at {_time(row.discarded_at)} by {row.discarded_by}: {row.discard_reason}")
        say(f"headers      {json.dumps(dict(row.headers), sort_keys=True)}")
        say(f"payload\n{_payload(row)}")
    say(f"applied by   {', '.join(applied) or 'nobody that remembers'}")
    say(f"when the cause is mended: marketmesh dlq replay {event_id}")


@app.command()
def replay(event_id: str, *, forgotten: Forgotten = False) -> None:
    """Put one dead letter back. At once, audited; may be repeated."""
    with _opened() as letters:
        found = _of_event(letters, event_id)
        found = [letter for letter in found if letter.is_dead] or found
        if not forgotten and _too_old(found):
            raise fail(
                f"dlq: {event_id} happened at {_time(found[0].happened_at)}. Consumers may have forgotten that they"
                " applied it, and would do so again. Look (`dlq show`), then repeat with --even-if-forgotten"
            )
        for _ in letters.replay(found):
            pass
    say(f"dlq: {event_id} is on its way again")


@app.command(name="replay-all")
def replay_all(
    *,
    service: Service = "",
    event_type: EventType = "",
    side: Side = "",
    reason: Reason = "",
    since: Since = "",
    until: Until = "",
    forgotten: Forgotten = False,
    yes: Yes = False,
) -> None:
    """Put back all that fits the filter. Without --yes it only shows what it would do; audited."""
    wanted = _filter(service=service, event_type=event_type, side=side, reason=reason, since=since, until=until)
    with _opened() as letters:
        found = _find(letters, wanted)
        old = [] if forgotten else _too_old(found)
        chosen = [letter for letter in found if letter not in old]
        if chosen:
            say(_sums(chosen))
        if old:
            say(
                f"dlq: {len(old)} left alone: consumers may have forgotten that they applied them (--even-if-forgotten)"
            )
        if not yes:
            say(f"dlq: would put {len(chosen)} back; nothing was changed. Repeat with --yes to do it")
            return
        for done in letters.replay(chosen):
            say(f"dlq: {done} of {len(chosen)} put back")
    say(f"dlq: {len(chosen)} are on their way again. `marketmesh dlq list` in a minute shows what died once more")


@app.command()
def discard(
    event_id: str,
    *,
    why: Annotated[
        str, typer.Option("--reason", help="Why it can never succeed; stays with the letter and the audit.")
    ],
    side: Side = "",
    yes: Yes = False,
) -> None:
    """Give up for good what can never succeed: `prove` and `doctor` are content. Without --yes nothing changes; audited."""
    reason = " ".join(why.split())
    if not reason or len(reason) > _REASON_MAX or not reason.isprintable():
        raise fail(f"dlq: --reason: say in 1 to {_REASON_MAX} printable characters why it can never succeed")
    with _opened() as letters:
        found = [letter for letter in _of_event(letters, event_id) if side in {"", letter.row.side}]
        if not found:
            raise fail(f"dlq: {event_id} is not dead at {side}")
        dead = [letter for letter in found if letter.is_dead]
        if not dead:
            _say_what_stands(event_id, found)
            return
        say(_sums(dead))
        if not yes:
            say(f"dlq: would discard {event_id} at these; nothing was changed. Repeat with --yes to do it")
            return
        if letters.discard(dead, why=reason) < len(dead):
            raise fail(f"dlq: {event_id} was put back or died once more meanwhile. Look (`dlq show`), then repeat")
    say(f"dlq: {event_id} is discarded. `marketmesh dlq list --discarded` still shows it")


def _say_what_stands(event_id: str, found: Sequence[Letter]) -> None:
    discarded = [letter.row for letter in found if letter.row.discarded_at]
    if not discarded:
        raise fail(
            f"dlq: {event_id} was put back at {_time(found[0].row.replayed_at)}; if it dies again, discard it then"
        )
    for row in discarded:
        say(f"dlq: {event_id} at {row.side} is discarded already: {_time(row.discarded_at)} by {row.discarded_by}:"
            f" {row.discard_reason}")  # fmt: skip


@contextmanager
def _opened() -> Iterator[DeadLetters]:
    use_environment()
    try:
        with dead_letters() as letters:
            yield letters
            for service in sorted(letters.away):
                typer.echo(f"dlq: the database of {service} does not answer; what is dead there is not shown", err=True)
    except DatabaseAway as error:
        raise fail(f"dlq: the database of {error} does not answer. Repeat the command when it does") from None


def _filter(*, service: str, event_type: str, side: str, reason: str, since: str, until: str) -> Filter:
    _require(service, services_present(), "service")
    _require(reason, _REASONS, "reason")
    return Filter(
        service=service,
        event_type=event_type,
        side=side,
        reason=reason,
        since=_instant(since),
        until=_instant(until),
    )


def _of_event(letters: DeadLetters, event_id: str) -> list[Letter]:
    found = letters.find(Filter(event_id=_uuid(event_id), state="any"))
    if not found:
        raise fail(f"dlq: no dead letter {event_id}")
    return found


def _find(letters: DeadLetters, wanted: Filter) -> list[Letter]:
    """Return what fits; when nothing does because of a slip, say so instead of "nothing is dead"."""
    found = letters.find(wanted)
    if not found:
        # Letters of types and consumers that are no more can be asked for.
        _require(wanted.event_type, sorted(spec_of(each).type for each in event_messages()), "type of event")
        _require(wanted.side, (OUTBOX, *sorted(each.subscription for each in declared().consumers)), "consumer")
    return found


def _require(value: str, known: Sequence[str], what: str) -> None:
    if value and value not in known:
        raise fail(f"dlq: no {what} is called {value}; there are: {', '.join(known)}")


def _instant(value: str) -> datetime | None:
    if not value:
        return None
    if ago := _AGO.match(value):
        return SystemClock().now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise fail(f"dlq: {value} is no time; write 2026-11-26T03:00 (UTC), or 90m, 2h, 3d") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _too_old(found: Sequence[Letter]) -> list[Letter]:
    days = RetentionSettings().handled_events_days
    limit = forgotten_before(SystemClock().now(), handled_events_days=days)
    return [letter for letter in found if letter.happened_at < limit]


def _sums(letters: Sequence[Letter]) -> str:
    groups: dict[tuple[str, str, str, str], list[datetime]] = defaultdict(list)
    for letter in letters:
        row = letter.row
        groups[(letter.service, row.side, row.type, row.reason)].append(row.failed_at)
    rows = [(*group, len(times), _time(min(times)), _time(max(times))) for group, times in sorted(groups.items())]
    return table(("service", "side", "type", "reason", "letters", "first failed at", "last failed at"), rows)


def _payload(row: Any) -> str:
    types = {spec_of(descriptor).type: descriptor for descriptor in event_messages()}
    descriptor, payload = types.get(row.type), bytes(row.payload)
    if descriptor is None:
        return f"(unknown type) {payload.hex()}"
    try:
        return str(GetMessageClass(descriptor).FromString(payload))
    except DecodeError as error:
        return f"(unreadable: {error}) {payload.hex()}"


def _time(instant: datetime | None) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant else "-"


def _uuid(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise fail(f"dlq: {value} is not an event id") from None
