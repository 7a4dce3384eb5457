"""Cuts a pulled batch into runs that can be handled one after the other without reordering any aggregate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meshkit.events.envelope import Envelope


def runs_of(envelopes: Iterable[Envelope], *, set_based: Callable[[str], object]) -> list[list[Envelope]]:
    """Return runs of one type each, with no ordering key twice; types that are not set-based come one by one.

    An event joins the latest run of its type unless an earlier event of its key stands in that run or behind it.
    """
    runs: list[list[Envelope]] = []
    latest: dict[str, int] = {}
    place_of_key: dict[str, int] = {}
    for envelope in envelopes:
        place = latest.get(envelope.type, -1)
        if place < 0 or place_of_key.get(envelope.ordering_key, -1) >= place:
            place = len(runs)
            runs.append([])
            if set_based(envelope.type):
                latest[envelope.type] = place
        runs[place].append(envelope)
        if envelope.ordering_key:
            place_of_key[envelope.ordering_key] = place
    return runs
