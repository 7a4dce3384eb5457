"""The vendor accepts or rejects one line; status, totals and balance follow from what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from meshkit.errors import NotFound
from services.commerce.errors import LineStateInvalid, OrderStateInvalid
from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import require_allowed, require_move, require_no_money_received
from services.commerce.orders.domain.order_state import (
    ACTIONABLE,
    Action,
    LineStatus,
    OrderStatus,
    line_targets,
    sources,
    status_of_lines,
)
from services.commerce.orders.domain.outcomes import packed_columns, rejected_columns
from services.commerce.orders.domain.totals import order_totals
from services.commerce.orders.usecases.announce_packed import announce_packed
from services.commerce.orders.usecases.lock_order import lock_order
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, LockedOrder, Order


def decide_line_item(
    tx: Tx, *, order_id: uuid.UUID, line_item_id: uuid.UUID, accept: bool, notes: str
) -> tuple[Order, list[Line]]:
    """Return the order after the decision and its lines.

    With its last pending line an order of which something is left is packed: it waits for its agent (A.6.4). A payment
    hold keeps it where it is; once its payment is open again, its vendor packs it.

    From a hold a line can only be taken out, and the order stays on hold while anything is left of it. Lines that were handed
    over are not decided again. Raises NotFound, OrderStateInvalid, LineStateInvalid.
    """
    before = lock_order(tx, order_id=order_id, vendor=tx.principal.require_store)
    _require_here(before)
    require_allowed(before, Action.DECIDE_LINE, status=before.held_status)
    if not accept:
        require_no_money_received(before, Action.DECIDE_LINE)
    line = next((row for row in orders.lines(tx, order_id) if row.id == line_item_id), None)
    if line is None:
        raise NotFound
    status = LineStatus.ACCEPTED if accept else LineStatus.REJECTED
    if status not in line_targets(Action.DECIDE_LINE, LineStatus(line.status)):
        raise LineStateInvalid(state=line.status)
    orders.decide_line(tx, line_item_id, status=status, notes=notes or line.notes)
    lines = orders.lines(tx, order_id)
    status_after = _status(before, lines, was_pending=line.status == LineStatus.PENDING)
    move = require_move(before, Action.DECIDE_LINE, to=status_after)
    columns = _columns(before, lines)
    is_packed = move.after is OrderStatus.HOLD and not move.stays
    if is_packed:
        columns |= packed_columns(lines, now=tx.now)
        orders.move_lines(tx, order_id, Action.FULFILL)
        lines = orders.lines(tx, order_id)
    order = orders.move(tx, order_id, move, **columns)
    tx.audit(
        target=order_id,
        before={"status": before.status, "total_cents": before.total_cents},
        after={"status": order.status, "total_cents": order.total_cents, "line": str(line_item_id)},
    )
    tx.emit(
        events.OrderDecided(
            order_id=str(order_id),
            decision="accept" if accept else "reject",
            line_item_id=str(line_item_id),
            order=order_snapshot(order, lines=lines),
        )
    )
    if is_packed:
        announce_packed(tx, order, lines=lines, resolved=line_item_id)
    return order, lines


def _require_here(order: LockedOrder) -> None:
    # On a payment hold it counts where the order was: with the agent or the buyer the goods are out of the store.
    interrupted = order.held_status or order.status
    if order.status == OrderStatus.HOLD and interrupted in {OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED}:
        raise OrderStateInvalid(
            "The goods have left the store. Once they are delivered, an administrator credits what the buyer keeps unpaid or"
            " refunds what was paid.",
            state=f"{order.status} ({interrupted})",
            allowed=sources(Action.DECIDE_LINE),
        )


def _columns(before: LockedOrder, lines: list[Line]) -> dict[str, object]:
    left = [line for line in lines if line.status != LineStatus.REJECTED]
    if not left:
        return rejected_columns()
    totals = order_totals(left, promo_cents=before.promo_cents, transport_fee_cents=before.transport_fee_cents)
    total = totals.total_cents + before.tax_cents
    columns: dict[str, object] = {
        "subtotal_cents": totals.subtotal_cents,
        "discount_cents": totals.discount_cents,
        "transport_fee_cents": totals.transport_fee_cents,
        "total_cents": total,
    }
    if before.held_status in ACTIONABLE:
        # The status to which the order returns when its payment is open again.
        columns["held_status"] = status_of_lines(LineStatus(line.status) for line in lines).value
    if total != before.total_cents:
        columns["balance_due_cents"] = total
    if before.fulfillment_status == "fulfilled" and len(left) < len(lines):
        columns["fulfillment_status"] = "partial"
    return columns


def _status(before: LockedOrder, lines: list[Line], *, was_pending: bool) -> OrderStatus:
    derived = status_of_lines(LineStatus(line.status) for line in lines)
    is_decided = was_pending and all(line.status != LineStatus.PENDING for line in lines)
    if derived != OrderStatus.REJECTED and (before.status == OrderStatus.HOLD or is_decided):
        return OrderStatus.HOLD
    return derived
