"""The auction of REQUIREMENTS A.7.4."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.ads.campaigns.domain.auction import choose_winner

DAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Bid:
    """A candidate."""

    id: uuid.UUID
    bid_cents: int


_bids = st.lists(
    st.builds(Bid, id=st.uuids(), bid_cents=st.integers(min_value=0, max_value=3)),
    min_size=1,
    max_size=12,
    unique_by=lambda bid: bid.id,
)
_request_ids = st.uuids().map(lambda value: value.hex)


def winner(bids: list[Bid], request_id: str, *, day: date = DAY) -> Bid | None:
    chosen: Bid | None = choose_winner(bids, request_id=request_id, placement="hero", day=day)
    return chosen


def written_rule(bid: Bid, request_id: str) -> int:
    digest = hashlib.sha256(f"{request_id}|hero|20260302|{bid.id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


class TestChooseWinner:
    @given(bids=_bids, request_id=_request_ids)
    def test_takes_the_highest_bid_and_the_lowest_hash_among_equals(self, bids: list[Bid], request_id: str) -> None:
        highest = max(bid.bid_cents for bid in bids)
        best = min((bid for bid in bids if bid.bid_cents == highest), key=lambda bid: written_rule(bid, request_id))

        assert winner(bids, request_id) == best

    @given(bids=_bids, request_id=_request_ids)
    def test_does_not_care_about_the_order(self, bids: list[Bid], request_id: str) -> None:
        assert winner(list(reversed(bids)), request_id) == winner(bids, request_id)

    def test_gives_equals_their_share(self) -> None:
        bids = [Bid(uuid.UUID(int=number), 5) for number in range(2)]

        wins = [winner(bids, str(number)) for number in range(1_000)]

        assert 400 < wins.count(bids[0]) < 600

    def test_decides_anew_on_another_day(self) -> None:
        bids = [Bid(uuid.UUID(int=number), 5) for number in range(50)]

        days = {winner(bids, "r", day=date(2026, 3, number)) for number in range(1, 20)}

        assert len(days) > 5

    def test_finds_nobody_among_nobody(self) -> None:
        assert winner([], "r") is None
