"""LedgerService: entries and holds of other services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import ledger_service_pb2 as messages
from meshkit.ids import parse_id
from services.finance.ledger.api import mapping
from services.finance.ledger.domain.batch import Draft
from services.finance.ledger.domain.ledger import EntryType, Posting
from services.finance.ledger.usecases.place_hold import NewHold, place_hold
from services.finance.ledger.usecases.post_batch import post_batch
from services.finance.ledger.usecases.post_hold import post_hold
from services.finance.ledger.usecases.void_hold import void_hold

if TYPE_CHECKING:
    from marketmesh.finance.v1 import ledger_pb2
    from meshkit.db.tx import Tx


class LedgerServicer:
    """Translates; the rules are in the use cases."""

    def PostBatch(self, request: messages.PostBatchRequest, tx: Tx) -> messages.PostBatchResponse:
        results = post_batch(tx, drafts=[_draft(entry, number) for number, entry in enumerate(request.entries)])
        return messages.PostBatchResponse(
            results=[
                messages.BatchResult(
                    key=result.key,
                    outcome=result.outcome.value,
                    entry_id=str(result.entry_id or ""),
                    reason=result.reason,
                    field=result.field,
                )
                for result in results
            ]
        )

    def PlaceHold(self, request: messages.PlaceHoldRequest, tx: Tx) -> ledger_pb2.Hold:
        hold = NewHold(
            key=request.key,
            account=mapping.account_name(request.account, field="account"),
            amount_cents=request.amount_cents,
            expires_in_s=request.expires_in_s,
            reason=request.reason,
        )
        return mapping.hold_message(place_hold(tx, hold))

    def PostHold(self, request: messages.PostHoldRequest, tx: Tx) -> ledger_pb2.Hold:
        hold_id = parse_id(request.hold_id, field="hold_id")
        target = mapping.account_name(request.to, field="to")
        return mapping.hold_message(post_hold(tx, hold_id=hold_id, target=target, reference=request.reference))

    def VoidHold(self, request: messages.VoidHoldRequest, tx: Tx) -> ledger_pb2.Hold:
        return mapping.hold_message(void_hold(tx, hold_id=parse_id(request.hold_id, field="hold_id")))


def _draft(entry: messages.BatchEntry, number: int) -> Draft:
    place = f"entries[{number}]"
    return Draft(
        key=entry.key,
        type=EntryType(entry.type),
        effective_on=entry.effective_on,
        order_id=parse_id(entry.order_id, field=f"{place}.order_id") if entry.order_id else None,
        cause_type=entry.cause_type,
        cause_id=parse_id(entry.cause_id, field=f"{place}.cause_id"),
        reference=entry.reference,
        postings=tuple(
            Posting(mapping.account_name(side.account, field=f"{place}.postings[{index}].account"), side.amount_cents)
            for index, side in enumerate(entry.postings)
        ),
    )
