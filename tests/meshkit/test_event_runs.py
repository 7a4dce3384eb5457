"""Cutting a batch into runs reorders no aggregate."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from meshkit.events.envelope import Envelope
from meshkit.events.runs import runs_of

Short = tuple[str, str]


def cut(*batch: Short) -> list[list[Short]]:
    """Return the runs of events given as (type, key); types in upper case are set-based."""
    envelopes = [Envelope(uuid.uuid4(), event_type, 1, "t", key, b"", {}) for event_type, key in batch]
    runs = runs_of(envelopes, set_based=str.isupper)
    return [[(envelope.type, envelope.ordering_key) for envelope in run] for run in runs]


class TestRuns:
    def test_one_type_is_one_run(self) -> None:
        assert cut(("A", "1"), ("A", "2"), ("A", "3")) == [[("A", "1"), ("A", "2"), ("A", "3")]]

    def test_joins_over_events_of_other_aggregates(self) -> None:
        assert cut(("A", "1"), ("B", "2"), ("A", "3")) == [[("A", "1"), ("A", "3")], [("B", "2")]]

    def test_an_event_does_not_overtake_another_of_its_aggregate(self) -> None:
        assert cut(("A", "1"), ("B", "2"), ("A", "2")) == [[("A", "1")], [("B", "2")], [("A", "2")]]

    def test_a_run_has_an_aggregate_once(self) -> None:
        assert cut(("A", "1"), ("A", "1"), ("A", "2")) == [[("A", "1")], [("A", "1"), ("A", "2")]]

    def test_events_without_a_key_have_no_order(self) -> None:
        assert cut(("A", ""), ("A", ""), ("B", ""), ("A", "")) == [[("A", "")] * 3, [("B", "")]]

    def test_what_is_not_set_based_comes_one_by_one(self) -> None:
        assert cut(("a", "1"), ("a", "2"), ("A", "3")) == [[("a", "1")], [("a", "2")], [("A", "3")]]

    @given(st.lists(st.tuples(st.sampled_from("ABc"), st.sampled_from("123"))))
    def test_every_aggregate_keeps_its_order(self, batch: list[Short]) -> None:
        envelopes = [Envelope(uuid.uuid4(), event_type, 1, "t", key, b"", {}) for event_type, key in batch]

        runs = runs_of(envelopes, set_based=str.isupper)

        handled = [envelope for run in runs for envelope in run]
        assert len(handled) == len(envelopes)
        for key in "123":
            of_key = [envelope for envelope in envelopes if envelope.ordering_key == key]
            assert [envelope for envelope in handled if envelope.ordering_key == key] == of_key
        for run in runs:
            assert len({envelope.type for envelope in run}) == 1
            assert len({envelope.ordering_key for envelope in run}) == len(run)
