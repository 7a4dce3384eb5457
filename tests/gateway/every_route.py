"""Every route of the real contracts with what it takes, read from the descriptors, and a mesh that answers them all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.contracts import Binding, Contracts, Method, load_contracts
from scripts import gen_protos

DESCRIPTORS: Path = gen_protos.GEN / "descriptors.binpb"
_VARIABLE = re.compile(r"\{([a-z_]+)\}")


class AnswersAll(grpc.GenericRpcHandler):
    """Every method of every service: keeps what arrived and answers an empty message."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        path = handler_call_details.method
        if path.startswith("/grpc.health.v1.Health/"):
            return None

        def answer(request: bytes, _context: grpc.ServicerContext) -> bytes:
            self.heard.append((path, request))
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@dataclass(frozen=True)
class Route:
    """One REST spelling of one RPC."""

    method: Method
    binding: Binding
    request: Descriptor

    @property
    def verb(self) -> str:
        return self.binding.verb

    @cached_property
    def path(self) -> str:
        """Return the path with an id for each variable."""
        return _VARIABLE.sub(lambda _: str(uuid.uuid4()), self.binding.path)

    @cached_property
    def bound(self) -> list[FieldDescriptor]:
        """Return the fields that the path gives."""
        return [self.request.fields_by_name[name] for name in _VARIABLE.findall(self.binding.path)]

    @property
    def takes_json(self) -> bool:
        return self.binding.body == "*"

    @cached_property
    def parameters(self) -> list[FieldDescriptor]:
        """Return the fields that the query may give."""
        taken = {field.name for field in self.bound} | {self.binding.body}
        return [] if self.takes_json else [field for field in self.request.fields if field.name not in taken]

    def body_fields(self) -> Iterator[tuple[tuple[FieldDescriptor, ...], FieldDescriptor]]:
        """Yield every field of a JSON body with the fields around it, outermost first."""
        taken = {field.name for field in self.bound}
        yield from ((around, field) for around, field in _fields(self.request, ()) if around or field.name not in taken)

    def __str__(self) -> str:
        return f"{self.verb} {self.binding.path}"


def _fields(
    message: Descriptor, around: tuple[FieldDescriptor, ...]
) -> Iterator[tuple[tuple[FieldDescriptor, ...], FieldDescriptor]]:
    for field in message.fields:
        yield around, field
        inner = field.message_type
        if (
            inner
            and not inner.full_name.startswith("google.protobuf.")
            and inner not in [f.message_type for f in around]
        ):
            yield from _fields(inner, (*around, field))


def every_route() -> list[Route]:
    """Return all routes of the real contracts."""
    contracts: Contracts = load_contracts(descriptor_path=DESCRIPTORS)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    return [
        Route(method, binding, pool.FindMessageTypeByName(method.input_type))
        for method in contracts.methods
        for binding in method.bindings
    ]


def nested(around: tuple[FieldDescriptor, ...], inner: str) -> str:
    """Return a JSON body that holds `inner` (the members of an object) inside the given fields."""
    text = "{" + inner + "}"
    for field in reversed(around):
        text = '{"' + field.name + '":' + (f"[{text}]" if field.is_repeated else text) + "}"
    return text


def place(around: tuple[FieldDescriptor, ...], name: str) -> str:
    """Return how an answer names a field: `items[0].quantity`."""
    return ".".join([*(field.name + ("[0]" if field.is_repeated else "") for field in around), name])


def spellings(field: FieldDescriptor) -> list[str]:
    """Return the names that JSON may use for a field."""
    return sorted({field.name, field.json_name})
