"""The draw of an agent."""

from __future__ import annotations

import uuid
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.fulfillment.delivery.domain.assignment import choose_agent

_agents = st.lists(st.uuids(), min_size=1, max_size=20, unique=True)


class TestChooseAgent:
    @given(agents=_agents, order_id=st.uuids(), seed=st.randoms(use_true_random=False))
    def test_is_the_same_for_an_order_whatever_the_list_looks_like(
        self, agents: list[uuid.UUID], order_id: uuid.UUID, seed: object
    ) -> None:
        shuffled = list(agents)
        seed.shuffle(shuffled)  # type: ignore[attr-defined]

        chosen = choose_agent(agents, order_id=order_id)

        assert chosen in agents
        assert choose_agent(shuffled, order_id=order_id) == chosen

    @given(order_id=st.uuids())
    def test_finds_nobody_among_nobody(self, order_id: uuid.UUID) -> None:
        assert choose_agent([], order_id=order_id) is None

    def test_spreads_the_work(self) -> None:
        agents = [uuid.UUID(int=number) for number in range(4)]

        drawn = Counter(choose_agent(agents, order_id=uuid.uuid5(uuid.UUID(int=0), str(n))) for n in range(4_000))

        assert set(drawn) == set(agents)
        assert all(850 < count < 1_150 for count in drawn.values())
