"""The issue's story through every interceptor: quote, check out, decide, pack, deliver, get paid."""

from __future__ import annotations

from tests.commerce.market import Market, status_name


class TestStory:
    def test_goes_from_a_quote_to_a_closed_order(self, market: Market) -> None:
        flower, edible = market.product(price_cents=2000), market.product(price_cents=500, tiers=[(10, "10")])
        quote = market.quote((flower, 2), (edible, 10))

        answer = market.checkout(quote.id)
        (order,) = answer.vendor_orders
        states = [status_name(order)]
        states.append(status_name(market.decide(order.order_id, "accept")))
        states.append(status_name(market.fulfill(order.order_id)))
        states.append(status_name(market.advance(order.order_id, "pickup")))
        states.append(status_name(market.advance(order.order_id, "deliver")))
        market.finance("CashCollected", order.order_id)
        market.finance("OrderPaid", order.order_id)
        states.append(status_name(market.read(order.order_id)))

        assert order.total_cents == quote.total_cents == 2 * 2000 + 10 * 450
        assert states == ["created_pending", "accepted", "hold", "in_transit", "delivered", "closed"]
        assert [type(event).__name__ for event in market.events(order.order_id)] == [
            "OrderCreated",
            "OrderDecided",
            "OrderReadyForDispatch",
            "OrderStateChanged",
            "OrderStateChanged",
            "OrderStateChanged",
        ]
        assert market.prove() == []
