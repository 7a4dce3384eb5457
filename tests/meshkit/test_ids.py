"""Derived ids repeat, differ, and lie where their origin lies."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from meshkit.ids import derived_id, new_id

TIME_BITS = 80


class TestDerivedId:
    @given(st.lists(st.text(max_size=8), min_size=1, max_size=3))
    def test_is_the_same_for_the_same_parts(self, parts: list[str]) -> None:
        origin = new_id()

        assert derived_id(origin, *parts) == derived_id(origin, *parts)
        assert derived_id(origin, *parts) != derived_id(origin, *parts, "more")
        assert derived_id(origin, *parts) != derived_id(new_id(), *parts)

    def test_carries_the_time_of_its_origin_down_the_generations(self) -> None:
        flow = new_id()
        order = derived_id(flow, "order")
        intent = derived_id("payment_intent", order)

        assert {each.int >> TIME_BITS for each in (flow, order, intent)} == {flow.int >> TIME_BITS}
        assert [(each.version, each.variant) for each in (order, intent)] == [(8, uuid.RFC_4122)] * 2

    def test_is_a_hash_where_nothing_has_a_time(self) -> None:
        assert derived_id("account", uuid.UUID(int=7), "USD").version == 5
        assert derived_id("account", uuid.uuid4()).version == 5
