"""The reference shows real calls: gateway/examples.json has one of every RPC that the gateway offers.

`MARKETMESH_WRITE_EXAMPLES=1 python -m pytest tests/contracts/test_examples.py` makes them anew.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass

from deploy.tools.contracts import grpc_services
from gateway.contracts import load_contracts
from gateway.openapi import _EXAMPLES, read_examples
from meshkit.grpc.guard import validate
from scripts import gen_protos
from tests.contracts.samples import SAMPLES
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from deploy.dev.stack import Embedded

OFFERED = load_contracts(descriptor_path=gen_protos.GEN / "descriptors.binpb").methods
_ADDRESS = re.compile(r"https?://[^/]+")
_SECRETS = {"refresh_token", "password", "current_password", "new_password"}


@pytest.fixture(scope="module")
def written(embedded_stack: Embedded) -> dict[str, Any]:
    """Return the file as it is, or made anew from real calls when that is asked for."""
    if os.environ.get("MARKETMESH_WRITE_EXAMPLES"):
        mesh = MeshHarness(embedded_stack)
        world = World(mesh)
        examples = {method.grpc_path[1:]: example_of(world, method.grpc_path) for method in OFFERED}
        mesh.close()
        _EXAMPLES.write_text(json.dumps(examples, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    return read_examples()


def example_of(world: World, path: str) -> dict[str, Any]:
    """Call an RPC once; returns what was said and answered."""
    sample = SAMPLES[path](world)
    said = as_json(sample.request, all_fields=False)
    try:
        answer = world.do(path, sample.request, sample.token)
    except Refused:
        return {"request": said}
    return {"request": said, "response": as_json(answer, all_fields=True)}


def as_json(message: Message, *, all_fields: bool) -> Any:
    text = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=all_fields)
    return cleaned(text)


def cleaned(value: Any, name: str = "") -> Any:
    """Leave out what belongs to one machine and what is nobody's business."""
    if isinstance(value, dict):
        return {key: cleaned(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [cleaned(each, name) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("eyJ"):
        return "…"
    if name in _SECRETS:
        return "correct horse battery staple" if "password" in name else "…"
    if name.endswith("url") and value.startswith("http"):
        return _ADDRESS.sub("https://storage.example.com", value).partition("?")[0]
    return value


class TestExamples:
    def test_are_there_for_every_offered_rpc(self, written: dict[str, Any]) -> None:
        assert {method.grpc_path[1:] for method in OFFERED} == set(written)

    def test_are_taken_by_the_contracts_of_today(self, written: dict[str, Any]) -> None:
        methods = {
            f"{service.full_name}/{method.name}": method for service in grpc_services() for method in service.methods
        }
        for path, example in written.items():
            validate(ParseDict(example["request"], GetMessageClass(methods[path].input_type)()))
            ParseDict(example.get("response", {}), GetMessageClass(methods[path].output_type)())

    def test_show_no_token(self, written: dict[str, Any]) -> None:
        assert [path for path, example in written.items() if '"eyJ' in json.dumps(example)] == []

    def test_say_nothing_that_nobody_said(self, written: dict[str, Any]) -> None:
        """An answer's enum is a word or missing: OpenAPI lists no other."""
        found = [
            path for path, example in written.items() if '"unspecified"' in json.dumps(example.get("response", {}))
        ]

        assert found == []
