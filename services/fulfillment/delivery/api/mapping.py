"""Rows to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.fulfillment.v1 import admin_service_pb2
from marketmesh.fulfillment.v1 import delivery_service_pb2 as messages
from meshkit.messages import set_time

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from services.fulfillment.delivery.data.assignments import Assignment
    from services.fulfillment.delivery.data.deliveries import AnyDelivery, Delivery
    from services.fulfillment.outbound.ports import Goods, ProofUpload


def delivery_message(row: AnyDelivery) -> messages.Delivery:
    """Return a delivery with its assignment."""
    message = messages.Delivery(
        order_id=str(row.order_id),
        order_number=row.order_number,
        currency=row.currency,
        total_cents=row.total_cents,
        total_items=row.total_items,
        order_status=row.order_status,
        shipping_status=row.shipping_status,
        payment_status=row.payment_status,
        payment_method=row.payment_method,
        buyer_store_id=str(row.buyer_store_id),
        buyer_store_name=row.buyer_store_name,
        vendor_store_id=str(row.vendor_store_id),
        vendor_store_name=row.vendor_store_name,
        agent_user_id=str(row.agent_user_id or ""),
        assignment_reason=row.reason or "",
        assignment_note=row.note or "",
        assigned_by_user_id=str(row.assigned_by_user_id or ""),
        proof_kind=row.proof_kind or None,
        proof_media_id=str(row.proof_media_id or ""),
    )
    set_time(message.created_at, row.created_at)
    set_time(message.assigned_at, row.assigned_at)
    set_time(message.pickup_time, row.pickup_time)
    set_time(message.delivery_time, row.delivery_time)
    set_time(message.cash_pickup_time, row.cash_pickup_time)
    return message


def whole_delivery_message(row: AnyDelivery, goods_by_order: Mapping[uuid.UUID, Goods]) -> messages.Delivery:
    """Return a delivery with what is in it and where it goes, if that is known."""
    message = delivery_message(row)
    goods = goods_by_order.get(row.order_id)
    if goods is not None:
        message.discount_cents, message.due_cents = goods.discount_cents, goods.due_cents
        message.fulfillment_status = goods.fulfillment_status
        message.shipping_address.CopyFrom(goods.shipping_address)
        message.items.extend(goods.items)
        message.notes = goods.notes
    return message


def order_delivery_message(row: Delivery, assignments: Sequence[Assignment]) -> admin_service_pb2.OrderDelivery:
    """Return a delivery with its history."""
    message = admin_service_pb2.OrderDelivery(delivery=delivery_message(row), code_failures=row.code_failures)
    for assignment in assignments:
        item = message.assignments.add(
            agent_user_id=str(assignment.agent_user_id),
            reason=assignment.reason,
            note=assignment.note,
            assigned_by_user_id=str(assignment.assigned_by_user_id or ""),
        )
        set_time(item.assigned_at, assignment.assigned_at)
        set_time(item.unassigned_at, assignment.unassigned_at)
    return message


def proof_upload_message(upload: ProofUpload) -> messages.ProofUpload:
    """Return where to put a proof."""
    message = messages.ProofUpload(
        media_id=upload.media_id,
        signed_put_url=upload.signed_put_url,
        content_type=upload.content_type,
        headers=upload.headers,
    )
    message.expires_at.FromDatetime(upload.expires_at)
    return message


def deliveries_message(
    rows: Sequence[AnyDelivery], goods_by_order: Mapping[uuid.UUID, Goods], page: Page, following: str
) -> messages.ListDeliveriesResponse:
    """Return a page of deliveries."""
    return messages.ListDeliveriesResponse(
        items=[whole_delivery_message(row, goods_by_order) for row in rows],
        next_cursor=following,
        pagination=page.pagination(following),
    )
