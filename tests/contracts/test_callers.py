"""Which service may call what: every internal RPC is called as every service of the mesh, and the contracts say who gets in."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.dev.keys import OPERATOR
from deploy.dev.stack import Embedded
from deploy.tools.contracts import grpc_services, services_present
from meshkit.grpc.policy import Caller, MethodPolicy, callers_without_key, read_policy
from meshkit.principal import Audience
from tests.contracts.samples import SAMPLES
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

ROOT = Path(__file__).resolve().parents[2]
POLICIES = [read_policy(method) for service in grpc_services() for method in service.methods]
INTERNAL = [policy for policy in POLICIES if Audience.SERVICE in policy.audiences]
EVERYBODY = (*services_present(), OPERATOR)


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


def path_of(policy: MethodPolicy) -> str:
    return policy.path.removeprefix("/marketmesh.")


def reason_of(world: World, policy: MethodPolicy, request: Any, token: str) -> tuple[str, str]:
    try:
        world.mesh.call(world.method(policy.path), request, token=token, key=uuid.uuid4().hex)
    except Refused as refused:
        return refused.code, refused.reason
    return "OK", ""


class TestEveryInternalRpc:
    def test_is_one_of_the_mesh(self) -> None:
        assert {policy.caller for policy in INTERNAL} == {Caller.CALLER_SERVICE}
        assert len(INTERNAL) > 10

    @pytest.mark.parametrize("service", EVERYBODY)
    def test_refuses_exactly_the_services_that_it_does_not_name(self, world: World, service: str) -> None:
        token = world.mesh.service_token(service)
        refused = set()

        for policy in INTERNAL:
            code, reason = reason_of(world, policy, policy.request_class(), token)
            assert (code == "PERMISSION_DENIED") == (reason == "SERVICE_NOT_ALLOWED")
            if code == "PERMISSION_DENIED":
                refused.add(policy.path)

        assert refused == {policy.path for policy in INTERNAL if service not in policy.callers}

    @pytest.mark.parametrize("policy", INTERNAL, ids=path_of)
    def test_answers_each_service_that_it_names(self, world: World, policy: MethodPolicy) -> None:
        for service in sorted(policy.callers):
            request = SAMPLES[policy.path](world).request

            assert reason_of(world, policy, request, world.mesh.service_token(service)) == ("OK", "")

    @pytest.mark.parametrize("policy", INTERNAL, ids=path_of)
    def test_leaves_nothing_behind_when_it_refuses(self, world: World, policy: MethodPolicy) -> None:
        request = SAMPLES[policy.path](world).request
        service = policy.path.split(".")[1]
        stranger = next(name for name in EVERYBODY if name not in policy.callers)
        before = world.mesh.rows(service, "SELECT count(*) AS events FROM outbox")

        _, reason = reason_of(world, policy, request, world.mesh.service_token(stranger))

        assert reason == "SERVICE_NOT_ALLOWED"
        assert world.mesh.rows(service, "SELECT count(*) AS events FROM outbox") == before


class TestNamedCallers:
    def test_are_services_of_this_mesh(self) -> None:
        assert callers_without_key(POLICIES, known=EVERYBODY) == []

    def test_are_those_whose_code_calls(self) -> None:
        """A right that nobody uses is one that only a thief would use."""
        named = {
            (policy.path.rpartition("/")[2], caller)
            for policy in INTERNAL
            for caller in policy.callers
            if caller != OPERATOR
        }

        assert named == set(_calls())


def _calls() -> Iterator[tuple[str, str]]:
    """Yield (method, service) of every call of an internal stub in the services' outbound rooms."""
    for file in (ROOT / "services").glob("**/outbound/**/*.py"):
        text = file.read_text()
        if not re.search(r"Internal\w*Stub\(|LedgerServiceStub\(", text):
            continue
        service = file.relative_to(ROOT / "services").parts[0]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self._stub":
                yield node.attr, service
