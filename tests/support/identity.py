"""Factories around people and stores."""

from __future__ import annotations

import uuid

from marketmesh.identity.v1 import auth_service_pb2, store_pb2
from marketmesh.type.v1 import address_pb2

PASSWORD = "correct horse battery staple"


def address(*, state: str = "OK") -> address_pb2.Address:
    """Return a valid address."""
    return address_pb2.Address(
        line1="1 Main Street", city="Tulsa", state=state, postal_code="74103", country="US", lat=36.154, lng=-95.993
    )


def register_request(*, store_type: str = "buyer", state: str = "OK") -> auth_service_pb2.RegisterRequest:
    """Return a registration nobody has made before."""
    unique = uuid.uuid4().hex[:12]
    return auth_service_pb2.RegisterRequest(
        first_name="Ada",
        last_name="Byron",
        email=f"{unique}@example.com",
        password=PASSWORD,
        company_name=f"Store {unique}",
        store_type=store_pb2.StoreType.Value.Value(store_type),
        address=address(state=state),
        accept_tos=True,
    )
