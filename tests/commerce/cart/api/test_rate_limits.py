"""Quotes are limited by the numbers that are deployed."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator

import pytest

from deploy.dev.stack import Embedded
from marketmesh.commerce.v1 import cart_service_pb2 as messages
from marketmesh.commerce.v1 import cart_service_pb2_grpc as stubs
from tests.docs.reading import ROOT
from tests.support.mesh_harness import MeshHarness, Refused


@pytest.fixture(scope="module")
def limited(embedded_stack: Embedded) -> Iterator[MeshHarness]:
    harness = MeshHarness(embedded_stack, settings={"rate_limits_file": ROOT / "deploy" / "config" / "ratelimits.toml"})
    yield harness
    harness.close()


def quote(mesh: MeshHarness, token: str) -> Refused:
    """Send a quote of nothing: it counts, and costs nobody anything."""
    carts = mesh.stub(stubs.CartServiceStub, "commerce")
    with pytest.raises(Refused) as refused:
        mesh.write(carts.QuoteCart, messages.QuoteCartRequest(), token=token)
    return refused.value


class TestQuoteCart:
    def test_refuses_the_thirty_first_in_a_minute(self, limited: MeshHarness) -> None:
        store, user = uuid.uuid4(), uuid.uuid4()
        token = limited.store_token(store, store_type="buyer", user_id=user)

        answers = [quote(limited, token).code for _ in range(30)]
        refused = quote(limited, token)
        colleague = quote(limited, limited.store_token(store, store_type="buyer"))

        assert answers == ["INVALID_ARGUMENT"] * 30
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
        assert refused.metadata["bucket"] == "quote"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert colleague.code == "INVALID_ARGUMENT"

    def test_refuses_the_hundred_and_twenty_first_of_a_store(self, limited: MeshHarness) -> None:
        store = uuid.uuid4()
        tokens = [limited.store_token(store, store_type="buyer") for _ in range(6)]

        answers = [quote(limited, token).code for token, _ in zip(itertools.cycle(tokens), range(121), strict=False)]

        assert answers == ["INVALID_ARGUMENT"] * 120 + ["RESOURCE_EXHAUSTED"]
        assert quote(limited, limited.store_token(uuid.uuid4(), store_type="buyer")).code == "INVALID_ARGUMENT"
