"""Nothing a caller may send is INTERNAL, on any RPC: bytes that are no message, cursors, ends of the calendar and of numbers."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from deploy.dev.stack import Embedded
from deploy.tools.contracts import grpc_services
from meshkit.cursor import Cursor, Page
from meshkit.grpc.policy import Caller, MethodPolicy, read_policy
from tests.contracts.samples import SAMPLES
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

POLICIES = [read_policy(method) for service in grpc_services() for method in service.methods]
LISTS = [policy for policy in POLICIES if "cursor" in policy.request_class.DESCRIPTOR.fields_by_name]
OUTSIDE = [policy for policy in POLICIES if policy.caller != Caller.CALLER_SERVICE]
# Lists whose kind of request another one has too.
NAMED = {"catalog.v1.ProductService/ListVendorProducts": "own"}
# What the bytes of a text field cannot hold, and what is no message at all.
NO_MESSAGES = [b"\xff\xff\xff", b"\x08", b"\x0a\x05ab"]
INSTANTS = ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"]
NO_INSTANTS = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "nan", "infinity", "2026-01-01T00:00:00", ""]
SECONDS = [-62_135_596_800, 253_402_300_799, 2**62, -(2**62)]
DAYS = ["0001-01-01", "9999-12-31", "0000-00-00", "2026-W01-1"]


def path_of(policy: MethodPolicy) -> str:
    return policy.path.removeprefix("/marketmesh.")


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


def code_of(world: World, policy: MethodPolicy, request: Message, token: str) -> tuple[str, str]:
    """Return the code of the answer and the first field it names."""
    key = uuid.uuid4().hex if policy.keep_answer else ""
    try:
        world.mesh.call(world.method(policy.path), request, token=token, key=key)
    except Refused as refused:
        return refused.code, refused.violations[0].field if refused.violations else ""
    return "OK", ""


def text_of(at: str, scope: str, row: str = "") -> str:
    return base64.urlsafe_b64encode(f"{at}|{row or uuid.uuid4()}|{scope}".encode()).decode()


def scope_of(policy: MethodPolicy, request: Message) -> str:
    return Page.of(request, list_name=NAMED.get(path_of(policy), "")).scope


class TestBytes:
    @pytest.mark.parametrize("policy", POLICIES, ids=path_of)
    def test_that_are_no_message_are_invalid(self, world: World, policy: MethodPolicy) -> None:
        service = policy.path.split(".")[1]
        call = world.mesh.stub(lambda channel: channel.unary_unary(policy.path), service)
        for received in NO_MESSAGES:
            with pytest.raises(Refused) as refused:
                world.mesh.call(call, received)  # type: ignore[arg-type]

            assert (refused.value.code, refused.value.reason) == ("INVALID_ARGUMENT", "VALIDATION_ERROR"), received
            assert [violation.field for violation in refused.value.violations] == ["body"]


class TestCursors:
    @pytest.mark.parametrize("policy", LISTS, ids=path_of)
    def test_of_any_instant_are_answered(self, world: World, policy: MethodPolicy) -> None:
        sample = SAMPLES[policy.path](world)
        for at in INSTANTS:
            sample.request.cursor = text_of(at, scope_of(policy, _first(sample.request)))

            assert code_of(world, policy, sample.request, sample.token)[0] == "OK", at

    @pytest.mark.parametrize("policy", LISTS, ids=path_of)
    def test_that_nobody_wrote_are_invalid(self, world: World, policy: MethodPolicy) -> None:
        sample = SAMPLES[policy.path](world)
        scope = scope_of(policy, _first(sample.request))
        forged = [text_of(at, scope) for at in NO_INSTANTS]
        forged += [
            text_of(INSTANTS[0], scope, row="nan"),
            "x",
            "%",
            "é",
            base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        ]
        for cursor in forged:
            sample.request.cursor = cursor

            assert code_of(world, policy, sample.request, sample.token) == ("INVALID_ARGUMENT", "cursor"), cursor

    @pytest.mark.parametrize("policy", LISTS, ids=path_of)
    def test_of_another_list_are_invalid(self, world: World, policy: MethodPolicy) -> None:
        sample = SAMPLES[policy.path](world)
        for other in (each for each in LISTS if each is not policy):
            scope = scope_of(other, other.request_class())
            sample.request.cursor = Cursor(datetime(2026, 1, 1, tzinfo=UTC), uuid.uuid4()).encode(scope)

            assert code_of(world, policy, sample.request, sample.token) == ("INVALID_ARGUMENT", "cursor"), other.path

    @pytest.mark.parametrize("policy", LISTS, ids=path_of)
    def test_belong_to_every_filter_of_their_list(self, policy: MethodPolicy) -> None:
        scope = Page.of(policy.request_class()).scope
        for field in policy.request_class.DESCRIPTOR.fields:
            request = policy.request_class()
            _set(request, field)

            assert (Page.of(request).scope == scope) is (field.name in ("limit", "cursor")), field.name


class TestExtremes:
    @pytest.mark.parametrize("policy", OUTSIDE, ids=path_of)
    def test_of_times_days_and_numbers_are_answered(self, world: World, policy: MethodPolicy) -> None:
        wrong, sample = [], SAMPLES[policy.path](world)
        for field in policy.request_class.DESCRIPTOR.fields:
            for value in _extremes(field):
                request = type(sample.request)()
                request.CopyFrom(sample.request)
                _put(request, field, value)
                code, _ = code_of(world, policy, request, sample.token)
                if code in ("INTERNAL", "UNKNOWN"):
                    wrong.append((field.name, value, code))
                if code == "OK":
                    # It had its effect: the next needs an object of its own.
                    sample = SAMPLES[policy.path](world)

        assert not wrong


def _first(request: Message) -> Message:
    first = type(request)()
    first.CopyFrom(request)
    first.ClearField("cursor")
    return first


def _extremes(field: FieldDescriptor) -> list:
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        return SECONDS
    if field.is_repeated or field.message_type is not None:
        return []
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return [float("nan"), float("inf"), float("-inf"), 1e308, -1e308]
    if field.type == FieldDescriptor.TYPE_INT64:
        return [2**63 - 1, -(2**63)]
    if field.type == FieldDescriptor.TYPE_INT32:
        return [2**31 - 1, -(2**31)]
    return DAYS if field.type == FieldDescriptor.TYPE_STRING else []


def _put(request: Message, field: FieldDescriptor, value: object) -> None:
    if field.message_type is not None:
        getattr(request, field.name).seconds = value
    else:
        setattr(request, field.name, value)


def _set(request: Message, field: FieldDescriptor) -> None:
    if field.is_repeated:
        getattr(request, field.name).append(1 if field.type != FieldDescriptor.TYPE_STRING else "x")
    elif field.message_type is not None:
        getattr(request, field.name).SetInParent()
    elif field.type == FieldDescriptor.TYPE_STRING:
        setattr(request, field.name, "" if field.name == "cursor" else "x")
    else:
        setattr(request, field.name, 1)
