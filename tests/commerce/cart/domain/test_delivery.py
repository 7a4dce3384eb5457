"""What a buyer says of the delivery."""

from __future__ import annotations

from marketmesh.type.v1 import address_pb2
from services.commerce.cart.domain.delivery import Address, QuotedDelivery

HOME = Address(
    line1="1 Elm St", line2="", city="Salem", state="OR", postal_code="97301", country="US", lat=1.0, lng=2.0
)


class TestAddress:
    def test_has_the_fields_of_the_contract(self) -> None:
        assert list(Address.__annotations__) == [field.name for field in address_pb2.Address.DESCRIPTOR.fields]


class TestQuotedDelivery:
    def test_keeps_what_was_said_earlier_where_it_says_nothing(self) -> None:
        earlier = QuotedDelivery(HOME, HOME, 300)

        assert QuotedDelivery(None, None, None).completed_by(earlier) == earlier
        assert QuotedDelivery(None, None, 0).completed_by(earlier) == QuotedDelivery(HOME, HOME, 0)
