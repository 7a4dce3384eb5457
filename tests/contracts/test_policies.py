"""Every method of every contract says who may call it, and the declarations make sense together."""

from __future__ import annotations

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from deploy.tools.contracts import files, grpc_services
from gateway.contracts import load_contracts
from gateway.openapi import build_openapi
from marketmesh.options.v1 import field_pb2, policy_pb2
from meshkit.grpc.policy import Caller, Effect, PolicyError, policies_of, read_policy
from meshkit.ratelimit import load_buckets
from meshkit.settings import MeshSettings
from scripts import gen_protos

METHODS = [method for service in grpc_services() for method in service.methods]
# The only doors that open without a token.
PUBLIC = {"Register", "Login", "AdminLogin", "AdminRegister", "Refresh", "GetJwks"}


def name_of(item: MethodDescriptor | ServiceDescriptor) -> str:
    return item.full_name.removeprefix("marketmesh.")


def has_http(method: MethodDescriptor) -> bool:
    return method.GetOptions().HasExtension(annotations_pb2.http)


class TestEveryService:
    @pytest.mark.parametrize("service", grpc_services(), ids=name_of)
    def test_declares_exposure_and_a_policy_per_method(self, service: ServiceDescriptor) -> None:
        assert len(policies_of(service)) == len(service.methods) > 0

    @pytest.mark.parametrize("service", grpc_services(), ids=name_of)
    def test_separates_mesh_callers_from_people(self, service: ServiceDescriptor) -> None:
        exposure = service.GetOptions().Extensions[policy_pb2.exposure]
        callers = {policy.caller for policy in policies_of(service).values()}

        if exposure == policy_pb2.EXPOSURE_MESH:
            assert callers == {Caller.CALLER_SERVICE}
        else:
            assert Caller.CALLER_SERVICE not in callers

    @pytest.mark.parametrize("service", grpc_services(), ids=name_of)
    def test_separates_staff_from_store_people(self, service: ServiceDescriptor) -> None:
        callers = {policy.caller for policy in policies_of(service).values()}

        assert callers == {Caller.CALLER_STAFF} or Caller.CALLER_STAFF not in callers


class TestEveryMethod:
    @pytest.mark.parametrize("method", METHODS, ids=name_of)
    def test_has_a_route_exactly_when_the_gateway_exposes_it(self, method: MethodDescriptor) -> None:
        exposure = method.containing_service.GetOptions().Extensions[policy_pb2.exposure]

        assert has_http(method) == (exposure == policy_pb2.EXPOSURE_GATEWAY)

    @pytest.mark.parametrize("method", METHODS, ids=name_of)
    def test_reads_by_get_and_writes_otherwise(self, method: MethodDescriptor) -> None:
        if not has_http(method):
            return
        verb = method.GetOptions().Extensions[annotations_pb2.http].WhichOneof("pattern")

        assert (verb == "get") == (read_policy(method).effect == Effect.EFFECT_READ)

    @pytest.mark.parametrize("method", METHODS, ids=name_of)
    def test_writes_of_people_need_a_key_unless_they_are_sessions(self, method: MethodDescriptor) -> None:
        policy = read_policy(method)
        if policy.effect == Effect.EFFECT_READ or policy.caller == Caller.CALLER_SERVICE:
            return

        assert policy.keep_answer or method.containing_service.name == "AuthService"

    @pytest.mark.parametrize("method", METHODS, ids=name_of)
    def test_names_its_resource_when_the_path_holds_an_id(self, method: MethodDescriptor) -> None:
        if not has_http(method):
            return
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        path = getattr(rule, rule.WhichOneof("pattern"))

        assert "{" not in path or read_policy(method).resource in path

    @pytest.mark.parametrize("method", METHODS, ids=name_of)
    def test_describes_itself_and_its_path_is_canonical(self, method: MethodDescriptor) -> None:
        if not has_http(method):
            return
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        path = getattr(rule, rule.WhichOneof("pattern"))

        assert path.startswith(("/api/v1/", "/.well-known/"))


class TestPublicDoors:
    def test_are_exactly_the_known_ones(self) -> None:
        public = {method.name for method in METHODS if read_policy(method).caller == Caller.CALLER_PUBLIC}

        assert public == PUBLIC

    def test_have_rate_limits_with_numbers(self) -> None:
        buckets = load_buckets(MeshSettings.model_fields["rate_limits_file"].default)
        named = {read_policy(method).rate_limit for method in METHODS} - {""}

        assert named <= set(buckets)


class TestForgottenPolicy:
    def test_stops_the_start(self) -> None:
        from google.protobuf import descriptor_pb2, descriptor_pool

        file = descriptor_pb2.FileDescriptorProto(name="forgotten.proto", package="forgotten", syntax="proto3")
        file.message_type.add(name="Empty")
        service = file.service.add(name="ForgottenService")
        service.method.add(name="Do", input_type=".forgotten.Empty", output_type=".forgotten.Empty")
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        descriptor = pool.FindServiceByName("forgotten.ForgottenService")

        with pytest.raises(PolicyError, match="declares no exposure"):
            policies_of(descriptor)
        with pytest.raises(PolicyError, match=r"ForgottenService\.Do declares no policy"):
            read_policy(descriptor.methods_by_name["Do"])


class TestSecrets:
    def test_every_password_and_token_field_of_a_request_is_marked(self) -> None:
        unmarked = [
            field.full_name
            for file in files()
            for message in file.message_types_by_name.values()
            if message.name.endswith("Request")
            for field in message.fields
            if ("password" in field.name or field.name.endswith("_token"))
            and field.GetOptions().Extensions[field_pb2.sensitivity] != field_pb2.SENSITIVITY_SECRET
        ]

        assert unmarked == []

    def test_the_rest_reference_says_that_a_replayed_registration_has_no_tokens(self) -> None:
        document = build_openapi(contracts=load_contracts(descriptor_path=gen_protos.GEN / "descriptors.binpb"))
        said = " ".join(document["paths"]["/api/v1/auth/register"]["post"]["description"].split())

        assert "Only the first answer carries tokens" in said
        assert "A client that lost the first answer signs in with Login." in said

    def test_no_answer_of_identity_has_a_token_field(self) -> None:
        fields = [
            field.name
            for file in files()
            if file.package == "marketmesh.identity.v1"
            for message in file.message_types_by_name.values()
            if not message.name.endswith("Request")
            for field in message.fields
        ]

        assert [name for name in fields if "token" in name or "password" in name] == []
