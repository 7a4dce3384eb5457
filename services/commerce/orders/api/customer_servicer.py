"""CustomerService: who buys from a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.commerce.v1 import customer_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.messages import set_time
from services.commerce.orders.api.order_filters import search_text
from services.commerce.orders.usecases.list_customers import list_customers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class CustomerServicer:
    """Translates; the rules are in the use cases."""

    def ListCustomers(self, request: messages.ListCustomersRequest, tx: Tx) -> messages.ListCustomersResponse:
        page = Page.of(request)
        rows, following = list_customers(tx, page=page, name=search_text(request.q))
        return messages.ListCustomersResponse(
            items=[_customer(row, totals) for row, totals in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )


def _customer(row: Any, totals: Sequence[Any]) -> messages.Customer:
    message = messages.Customer(
        buyer_store_id=str(row.buyer_store_id),
        buyer_store_name=row.buyer_store_name,
        order_count=sum(total.orders for total in totals),
        totals=[
            messages.CustomerTotal(
                currency=total.currency, paid_order_count=total.paid_orders, spent_cents=int(total.spent_cents)
            )
            for total in totals
            if total.paid_orders
        ],
        last_order=messages.LastOrder(order_id=str(row.id), order_number=row.order_number, status=row.status),
    )
    set_time(message.last_order.created_at, row.created_at)
    set_time(message.first_order_at, min(total.first_order_at for total in totals))
    return message
