"""Restores the logo that a store shows, in media, after a change of it that was given up half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.given_up import GivenUpFlows
from services.identity.stores.flows.restore_logo import restore_logo

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from meshkit.idempotency import GivenUp
    from services.identity.outbound.ports import StoreLogos

_SERVICE = "/marketmesh.identity.v1.StoreService"


def given_up_logos(transactions: Transactions, logos: StoreLogos) -> GivenUpFlows:
    """Return the sweep."""

    def undo(call: Call, flow: GivenUp) -> None:
        restore_logo(transactions, call, store_id=flow.store_id, flow_id=flow.flow_id, logos=logos, only_if_held=True)

    return GivenUpFlows(transactions, {f"{_SERVICE}/SetStoreLogo": undo, f"{_SERVICE}/RemoveStoreLogo": undo})
