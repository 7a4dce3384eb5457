"""Sign-in and registration are limited by the numbers that are deployed, with Redis and without."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.dev.stack import Embedded
from marketmesh.identity.v1 import auth_service_pb2 as messages
from marketmesh.identity.v1 import auth_service_pb2_grpc as stubs
from tests.docs.reading import ROOT
from tests.support.identity import PASSWORD, register_request
from tests.support.mesh_harness import MeshHarness, Refused

DEPLOYED = ROOT / "deploy" / "config" / "ratelimits.toml"
NOBODY_LISTENS = "redis://127.0.0.1:1/0"
ADDRESSES = itertools.count(1)


@pytest.fixture(scope="module", params=["redis", "redis away"])
def limited(embedded_stack: Embedded, request: pytest.FixtureRequest) -> Iterator[MeshHarness]:
    settings: dict[str, str | Path] = {"rate_limits_file": DEPLOYED}
    if request.param == "redis away":
        settings["redis_url"] = NOBODY_LISTENS
    harness = MeshHarness(embedded_stack, settings=settings)
    yield harness
    harness.close()


def outcomes(count: int, call: Callable[[], object]) -> list[str]:
    """Call so often; returns what each call was answered."""
    return [_outcome(call) for _ in range(count)]


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except Refused as refused:
        return refused.code
    return "OK"


class TestLogin:
    def test_refuses_the_sixth_try_at_an_address_wherever_it_comes_from(self, limited: MeshHarness) -> None:
        auth = limited.stub(stubs.AuthServiceStub, "identity")
        email = f"{uuid.uuid4().hex}@example.com"

        # A call without a password counts, but hashes nothing.
        tries = outcomes(5, lambda: login(limited, auth, email=email, password=""))
        with pytest.raises(Refused) as sixth:
            login(limited, auth, email=email.upper(), password=PASSWORD)

        assert tries == ["INVALID_ARGUMENT"] * 5
        assert (sixth.value.code, sixth.value.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
        assert sixth.value.metadata["bucket"] == "login"
        assert 1 <= int(sixth.value.headers["retry-after"]) <= 60

    def test_refuses_the_twenty_first_try_from_one_place(self, limited: MeshHarness) -> None:
        auth = limited.stub(stubs.AuthServiceStub, "identity")
        place = place_of_its_own()

        def try_somebody() -> None:
            login(limited, auth, email=f"{uuid.uuid4().hex}@example.com", password="", place=place)

        tries = outcomes(21, try_somebody)

        assert tries == ["INVALID_ARGUMENT"] * 20 + ["RESOURCE_EXHAUSTED"]

    def test_lets_others_sign_in_meanwhile(self, limited: MeshHarness) -> None:
        auth = limited.stub(stubs.AuthServiceStub, "identity")
        request = register_request()
        limited.call(auth.Register, request, key=uuid.uuid4().hex, x_mesh_client_ip=place_of_its_own())
        outcomes(6, lambda: login(limited, auth, email=f"not-{request.email}", password=""))

        assert login(limited, auth, email=request.email, password=PASSWORD).user.email == request.email


class TestRegister:
    def test_refuses_the_fourth_try_with_an_address(self, limited: MeshHarness) -> None:
        auth = limited.stub(stubs.AuthServiceStub, "identity")
        request = register_request()
        request.accept_tos = False

        tries = outcomes(4, lambda: limited.call(auth.Register, request, key="k", x_mesh_client_ip=place_of_its_own()))

        assert tries == ["INVALID_ARGUMENT"] * 3 + ["RESOURCE_EXHAUSTED"]


def place_of_its_own() -> str:
    """Return a client address nobody has called from; the gateway sets the header, nobody outside can."""
    return f"test-{uuid.uuid4().hex}-{next(ADDRESSES)}"


def login(
    limited: MeshHarness, auth: stubs.AuthServiceStub, *, email: str, password: str, place: str = ""
) -> messages.Session:
    session: messages.Session = limited.call(
        auth.Login,
        messages.LoginRequest(email=email, password=password),
        x_mesh_client_ip=place or place_of_its_own(),
    )[0]
    return session
