"""Puts right what changes of logos that nobody goes on with left attached: in media is what the store shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.given_up import GivenUpFlows
from services.identity.stores.flows.change_logo import put_right

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from meshkit.idempotency import GivenUp
    from services.identity.outbound.ports import StoreLogos

_SERVICE = "/marketmesh.identity.v1.StoreService"


def given_up_logos(transactions: Transactions, logos: StoreLogos) -> GivenUpFlows:
    """Return the sweep."""

    def undo(call: Call, flow: GivenUp) -> None:
        put_right(transactions, call, store_id=flow.store_id, flow_id=flow.flow_id, logos=logos, only_if_held=True)

    return GivenUpFlows(transactions, {f"{_SERVICE}/SetStoreLogo": undo, f"{_SERVICE}/RemoveStoreLogo": undo})
