"""The standard set, generated from the descriptors for every RPC: who is refused, and what a repeat gets.

A new RPC fails here until `samples.py` says what a valid call of it looks like.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message

from deploy.dev.stack import Embedded
from deploy.tools.contracts import grpc_services
from meshkit.grpc.policy import Caller, Effect, MethodPolicy, StoreKind, read_policy
from meshkit.principal import Audience
from tests.contracts.samples import SAMPLES, Sample
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

POLICIES = [read_policy(method) for service in grpc_services() for method in service.methods]
GUARDED = [policy for policy in POLICIES if policy.caller != Caller.CALLER_PUBLIC]
KEYED = [policy for policy in POLICIES if policy.keep_answer]
WITH_RESOURCE = [policy for policy in POLICIES if policy.resource]
AWAY = {
    f"/marketmesh.analytics.v1.AnalyticsService/{method}"
    for method in ("GetVendorAnalytics", "GetMarketplaceAnalytics")
}


def path_of(policy: MethodPolicy) -> str:
    return policy.path.removeprefix("/marketmesh.")


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


def refusal(world: World, policy: MethodPolicy, request: Message, *, token: str = "", key: str = "") -> Refused:
    with pytest.raises(Refused) as refused:
        world.mesh.call(world.method(policy.path), request, token=token, key=key)
    return refused.value


def sample_of(world: World, policy: MethodPolicy) -> Sample:
    assert policy.path in SAMPLES, f"{policy.path} has no sample in tests/contracts/samples.py"
    return SAMPLES[policy.path](world)


def token_for(world: World, audience: Audience) -> str:
    if audience is Audience.SERVICE:
        return world.mesh.service_token()
    return {Audience.ADMIN: world.admin, Audience.AGENT: world.agent}.get(audience, world.vendor.token)


class TestSamples:
    def test_cover_exactly_the_rpcs_there_are(self) -> None:
        assert set(SAMPLES) == {policy.path for policy in POLICIES}


class TestEveryRpc:
    @pytest.mark.parametrize("policy", POLICIES, ids=path_of)
    def test_answers_a_valid_call(self, world: World, policy: MethodPolicy) -> None:
        sample = sample_of(world, policy)
        key = uuid.uuid4().hex if policy.keep_answer else ""
        if policy.path in AWAY:
            assert refusal(world, policy, sample.request, token=sample.token).reason == "DEPENDENCY_ERROR"
            return

        answer, headers = world.mesh.call(world.method(policy.path), sample.request, token=sample.token, key=key)

        assert isinstance(answer, policy.response_class)
        assert headers["x-request-id"]


class TestUnauthenticated:
    @pytest.mark.parametrize("policy", GUARDED, ids=path_of)
    def test_is_refused_without_a_token(self, world: World, policy: MethodPolicy) -> None:
        refused = refusal(world, policy, policy.request_class())

        assert (refused.code, refused.reason, refused.metadata["cause"]) == (
            "UNAUTHENTICATED",
            "UNAUTHORIZED",
            "token_missing",
        )

    @pytest.mark.parametrize("policy", GUARDED, ids=path_of)
    def test_is_refused_with_every_other_audience(self, world: World, policy: MethodPolicy) -> None:
        causes = {
            refusal(world, policy, policy.request_class(), token=token_for(world, audience)).metadata["cause"]
            for audience in set(Audience) - policy.audiences
        }

        assert causes == {"token_audience"}


class TestWrongRole:
    @pytest.mark.parametrize("policy", [policy for policy in GUARDED if policy.store], ids=path_of)
    def test_needs_an_active_store(self, world: World, policy: MethodPolicy) -> None:
        token = world.mesh._system_token(Audience.STORE, "owner", None)

        refused = refusal(world, policy, policy.request_class(), token=token)

        assert (refused.code, refused.metadata["needs"]) == ("PERMISSION_DENIED", "active store")

    @pytest.mark.parametrize(
        "policy", [policy for policy in GUARDED if policy.store == StoreKind.STORE_KIND_VENDOR], ids=path_of
    )
    def test_keeps_buyers_from_selling(self, world: World, policy: MethodPolicy) -> None:
        refused = refusal(world, policy, policy.request_class(), token=world.buyer.token)

        assert (refused.code, refused.metadata["needs"]) == ("PERMISSION_DENIED", "vendor store")

    @pytest.mark.parametrize("policy", [policy for policy in GUARDED if policy.roles and policy.store], ids=path_of)
    def test_refuses_every_role_that_is_not_named(self, world: World, policy: MethodPolicy) -> None:
        for role in {"owner", "admin", "manager", "viewer", "agent", "staff", "ops"} - policy.roles:
            token = world.mesh.store_token(world.vendor.store_id, role=role)

            refused = refusal(world, policy, policy.request_class(), token=token)

            assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "FORBIDDEN"), role


class TestForeignTenant:
    @pytest.mark.parametrize("policy", WITH_RESOURCE, ids=path_of)
    def test_sees_a_missing_object_byte_for_byte(self, world: World, policy: MethodPolicy) -> None:
        sample = sample_of(world, policy)
        key = uuid.uuid4().hex if policy.keep_answer else ""
        token = sample.foreign_token or sample.token
        missing = type(sample.request)()
        missing.CopyFrom(sample.request)
        setattr(missing, policy.resource, str(uuid.uuid4()))

        absent = refusal(world, policy, missing, token=token, key=key and key + "m")

        assert (absent.code, absent.reason) == ("NOT_FOUND", "NOT_FOUND")
        if sample.foreign_token:
            foreign = refusal(world, policy, sample.request, token=token, key=key)
            assert foreign.status.SerializeToString(deterministic=True) == absent.status.SerializeToString(
                deterministic=True
            )
            ignored = {"x-request-id"}
            assert {k: v for k, v in foreign.headers.items() if k not in ignored} == {
                k: v for k, v in absent.headers.items() if k not in ignored
            }

    def test_every_resource_of_store_people_is_tried_by_a_foreigner(self, world: World) -> None:
        untried = [
            policy.path
            for policy in WITH_RESOURCE
            if policy.caller == Caller.CALLER_USER and not sample_of(world, policy).foreign_token
        ]

        assert untried == []


class TestIdempotency:
    @pytest.mark.parametrize("policy", KEYED, ids=path_of)
    def test_needs_a_key(self, world: World, policy: MethodPolicy) -> None:
        sample = sample_of(world, policy)

        refused = refusal(world, policy, sample.request, token=sample.token)

        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_MISSING")

    @pytest.mark.parametrize("policy", KEYED, ids=path_of)
    def test_replays_the_same_bytes_and_says_so(self, world: World, policy: MethodPolicy) -> None:
        sample, key = sample_of(world, policy), uuid.uuid4().hex
        first, before = world.mesh.call(world.method(policy.path), sample.request, token=sample.token, key=key)
        world.mesh.pump()

        second, after = world.mesh.call(world.method(policy.path), sample.request, token=sample.token, key=key)

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert after["x-idempotent-replay"] == "true"
        assert "x-idempotent-replay" not in before
        assert "x-access-token" not in after

    @pytest.mark.parametrize("policy", KEYED, ids=path_of)
    def test_refuses_the_key_with_another_request(self, world: World, policy: MethodPolicy) -> None:
        sample, key = sample_of(world, policy), uuid.uuid4().hex
        if sample.other is None:
            assert not policy.request_class.DESCRIPTOR.fields, "only an empty request has no other"
            return
        world.mesh.call(world.method(policy.path), sample.request, token=sample.token, key=key)
        sample.other(sample.request)

        refused = refusal(world, policy, sample.request, token=sample.token, key=key)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "IDEMPOTENCY_KEY_REUSED")
        assert refused.headers["x-http-status"] == "409"

    def test_covers_every_write_of_people(self) -> None:
        unkeyed = {
            policy.path.rpartition("/")[2]
            for policy in POLICIES
            if policy.effect != Effect.EFFECT_READ
            and policy.caller != Caller.CALLER_SERVICE
            and policy.keep_answer is None
        }

        assert unkeyed == {"Login", "AdminLogin", "Refresh", "Logout", "SwitchStore"}
