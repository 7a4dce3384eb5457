"""Signs in, lists, quotes and checks out with the client that openapi-python-client makes. Run by test_clients.py."""

import os
import sys
import uuid

from marketmesh_client import AuthenticatedClient, Client, models
from marketmesh_client.api.catalog import list_products
from marketmesh_client.api.commerce import checkout, quote_cart
from marketmesh_client.api.identity import login

gateway = os.environ["GATEWAY"]
signed_in = login.sync_detailed(
    client=Client(base_url=gateway),
    body=models.IdentityV1LoginRequest(email=os.environ["EMAIL"], password=os.environ["PASSWORD"]),
)
client = AuthenticatedClient(base_url=gateway, token=signed_in.headers["x-access-token"])
product = list_products.sync(client=client).items[0]
item = models.CommerceV1CartIntentItem(
    product_id=product.id, vendor_store_id=product.vendor_store_id, quantity=product.moq
)
quoted = quote_cart.sync(
    client=client,
    idempotency_key=uuid.uuid4().hex,
    body=models.CommerceV1QuoteCartRequest(buyer_store_id=signed_in.parsed.active_store_id, items=[item]),
)
address = models.TypeV1Address(
    line1="1 Main St", city="Tulsa", state="OK", postal_code="74103", country=models.TypeV1AddressCountry.US,
    lat=36.15, lng=-95.99,
)  # fmt: skip
bought = checkout.sync_detailed(
    client=client,
    idempotency_key=uuid.uuid4().hex,
    body=models.CommerceV1CheckoutRequest(
        cart_id=quoted.id, quote_version=quoted.quote_version, payment_method=models.CommerceV1PaymentMethod.CASH,
        shipping_address=address,
    ),
)  # fmt: skip
sys.stdout.write(f"{bought.status_code.value} {bought.parsed.checkout_group_id}\n")
