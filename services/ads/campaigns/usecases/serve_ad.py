"""Find the one ad to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.ads.campaigns.data import campaigns
from services.ads.campaigns.domain.auction import choose_winner
from services.ads.store_gates.usecases.read_store_gate import read_store_gate

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.ads.outbound.ad_tokens import AdTokens


@dataclass(frozen=True)
class Served:
    """The winner and the tokens that count a view or a click of it."""

    request_id: str
    ad: Any
    creative: Any
    view_token: str
    click_token: str


def serve_ad(tx: Tx, *, placement: str, tokens: AdTokens) -> Served | None:
    """Return the winner of a placement for the calling buyer, or None."""
    buyer = tx.principal.require_store
    gate = read_store_gate(tx, store_id=buyer)
    if gate is None:
        return None
    request_id = new_id().hex
    candidates = campaigns.candidates(tx, placement=placement, state=gate.state)
    winner = choose_winner(candidates, request_id=request_id, placement=placement, day=tx.now.date())
    if winner is None:
        return None
    creative = campaigns.creatives_of(tx, winner.id)[0]
    view, click = (
        tokens.mint(event, ad=winner, creative=creative, buyer_store_id=buyer, request_id=request_id, now=tx.now)
        for event in ("impression", "click")
    )
    return Served(request_id, winner, creative, view, click)
