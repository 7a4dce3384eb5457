"""CustomerService: who buys from a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import customer_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.messages import set_time
from services.commerce.orders.api.order_filters import search_text
from services.commerce.orders.usecases.list_customers import list_customers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.orders.data.customers import Customer, CustomerTotal


class CustomerServicer:
    """Translates; the rules are in the use cases."""

    def ListCustomers(self, request: messages.ListCustomersRequest, tx: Tx) -> messages.ListCustomersResponse:
        page = Page.of(request)
        found, following = list_customers(tx, page=page, name=search_text(request.q))
        return messages.ListCustomersResponse(
            items=[_customer(customer, totals) for customer, totals in found],
            next_cursor=following,
            pagination=page.pagination(following),
        )


def _customer(customer: Customer, totals: Sequence[CustomerTotal]) -> messages.Customer:
    message = messages.Customer(
        buyer_store_id=str(customer.buyer_store_id),
        buyer_store_name=customer.buyer_store_name,
        order_count=sum(total.orders for total in totals),
        totals=[
            messages.CustomerTotal(
                currency=total.currency, paid_order_count=total.paid_orders, spent_cents=total.spent_cents
            )
            for total in totals
            if total.paid_orders
        ],
        last_order=messages.LastOrder(
            order_id=str(customer.id), order_number=customer.order_number, status=customer.status
        ),
    )
    set_time(message.last_order.created_at, customer.created_at)
    set_time(message.first_order_at, min(total.first_order_at for total in totals))
    return message
