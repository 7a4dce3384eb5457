"""What the gateway needs to know of the contracts, read from the descriptor set.

Nothing here names a service: a new contract is routed because it is in the descriptor set. Used by the renderer,
the OpenAPI generator and the routes table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

from buf.validate import validate_pb2  # noqa: F401  registers the field constraints before the set is parsed
from marketmesh.options.v1 import error_pb2, field_pb2, policy_pb2

# Where protoc says something is: indexes from the file down.
_Path = tuple[int, ...]
# A message or an enum: its full name, itself, its comment.
_Type = tuple[str, Any, str]
_OWNER = re.compile(r"^marketmesh\.([a-z]+)\.v\d+$")
_DEFAULT_AUDIENCE = {
    policy_pb2.CALLER_USER: policy_pb2.AUDIENCE_STORE,
    policy_pb2.CALLER_STAFF: policy_pb2.AUDIENCE_ADMIN,
    policy_pb2.CALLER_SERVICE: policy_pb2.AUDIENCE_SERVICE,
}


@dataclass(frozen=True)
class Binding:
    """One REST spelling of a method: `GET /api/v1/orders/{order_id}`."""

    verb: str
    path: str
    body: str
    # The field of the answer that is the whole HTTP body; empty for all of it.
    response_body: str = ""


@dataclass(frozen=True)
class Method:
    """One RPC that the gateway may offer."""

    service: str
    owner: str
    name: str
    input_type: str
    output_type: str
    streams: bool
    policy: policy_pb2.MethodPolicy
    bindings: tuple[Binding, ...]
    comment: str

    @property
    def grpc_path(self) -> str:
        """Return the path that gRPC clients call."""
        return f"/{self.service}/{self.name}"

    @property
    def is_public(self) -> bool:
        """Return whether anybody may call."""
        return bool(self.policy.caller == policy_pb2.CALLER_PUBLIC)

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return the `aud` claims accepted from outside, sorted; empty for public methods."""
        if self.is_public:
            return ()
        surfaces = list(self.policy.audiences) or [_DEFAULT_AUDIENCE[self.policy.caller]]
        names = (policy_pb2.Audience.Name(surface) for surface in surfaces if surface != policy_pb2.AUDIENCE_SERVICE)
        return tuple(sorted("marketmesh." + name.removeprefix("AUDIENCE_").lower() for name in names))

    @property
    def takes_idempotency_key(self) -> bool:
        """Return whether the `Idempotency-Key` header is required."""
        keyed = (policy_pb2.IDEMPOTENCY_KEY_REQUIRED, policy_pb2.IDEMPOTENCY_KEY_CRITICAL)
        return self.policy.idempotency in keyed


@dataclass(frozen=True)
class Contracts:
    """A parsed descriptor set."""

    files: tuple[descriptor_pb2.FileDescriptorProto, ...]

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Return the methods offered outside: of exposed services, callable by people; sorted by gRPC path."""
        found = [method for file in self.files for method in _methods_of(file)]
        return tuple(sorted(found, key=lambda method: method.grpc_path))

    @property
    def services(self) -> tuple[str, ...]:
        """Return the full names of the exposed gRPC services, sorted."""
        return tuple(sorted({method.service for method in self.methods}))

    @property
    def owners(self) -> tuple[str, ...]:
        """Return the services of the mesh that own an exposed gRPC service, sorted."""
        return tuple(sorted({method.owner for method in self.methods}))

    @cached_property
    def messages(self) -> dict[str, tuple[descriptor_pb2.DescriptorProto, str]]:
        """Return every message with its comment, by full name."""
        return {name: (item, comment) for name, item, comment in self._types() if hasattr(item, "field")}

    @cached_property
    def enums(self) -> dict[str, tuple[descriptor_pb2.EnumDescriptorProto, str]]:
        """Return every enum with its comment, by full name."""
        return {name: (item, comment) for name, item, comment in self._types() if hasattr(item, "value")}

    @cached_property
    def field_comments(self) -> dict[tuple[str, int], str]:
        """Return comments of fields, by message name and index of the field."""
        return {key: text for file in self.files for key, text in _field_comments(file).items()}

    @cached_property
    def reasons(self) -> dict[str, error_pb2.ErrorSpec]:
        """Return the error catalogue: every reason of every service with its specification, in file order."""
        return dict(self._reasons(""))

    def words_of(self, field: descriptor_pb2.FieldDescriptorProto) -> tuple[str, ...]:
        """Return the words of which a text is one; none for any other field."""
        name = field.options.Extensions[field_pb2.words]
        return self.words(name) if name else ()

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words that the `Value` of a message lists."""
        return tuple(value.name for value in self.enums[f"{name}.Value"][0].value if value.number)

    def reasons_of(self, owner: str) -> dict[str, error_pb2.ErrorSpec]:
        """Return what one service alone may say, in file order."""
        return dict(self._reasons(f"marketmesh.{owner}."))

    def _reasons(self, prefix: str) -> Iterator[tuple[str, error_pb2.ErrorSpec]]:
        for name, item, _ in self._types():
            for value in getattr(item, "value", ()) if name.startswith(prefix) else ():
                if value.options.HasExtension(error_pb2.error):
                    yield value.name, value.options.Extensions[error_pb2.error]

    def _types(self) -> Iterator[_Type]:
        for file in self.files:
            comments = comments_of(file)
            for index, message in enumerate(file.message_type):
                yield from _nested(file.package, message, (4, index), comments)
            for index, enum in enumerate(file.enum_type):
                yield f"{file.package}.{enum.name}", enum, comments.get((5, index), "")


def load_contracts(*, descriptor_path: Path) -> Contracts:
    """Parse a descriptor set that protoc wrote with imports and source information."""
    parsed = descriptor_pb2.FileDescriptorSet.FromString(descriptor_path.read_bytes())
    return Contracts(files=tuple(parsed.file))


def comments_of(file: descriptor_pb2.FileDescriptorProto) -> dict[_Path, str]:
    """Return leading comments by descriptor path, in one line each."""
    locations = file.source_code_info.location
    return {tuple(at.path): " ".join(at.leading_comments.split()) for at in locations if at.leading_comments}


def _methods_of(file: descriptor_pb2.FileDescriptorProto) -> list[Method]:
    owner = _OWNER.match(file.package)
    comments = comments_of(file)
    found = []
    for index, service in enumerate(file.service):
        exposed = service.options.Extensions[policy_pb2.exposure] == policy_pb2.EXPOSURE_GATEWAY
        if not owner or not exposed:
            continue
        for position, method in enumerate(service.method):
            comment = comments.get((6, index, 2, position), "")
            entry = _method(method, service=f"{file.package}.{service.name}", owner=owner.group(1), comment=comment)
            # Service tokens never come from outside, so neither do the calls that need one.
            if entry.is_public or entry.audiences:
                found.append(entry)
    return found


def _method(method: descriptor_pb2.MethodDescriptorProto, *, service: str, owner: str, comment: str) -> Method:
    policy = method.options.Extensions[policy_pb2.policy]
    if policy.caller == policy_pb2.CALLER_UNSPECIFIED:
        raise ValueError(f"{service}/{method.name} has no policy, so the gateway refuses to route it")
    return Method(
        service=service,
        owner=owner,
        name=method.name,
        input_type=method.input_type.lstrip("."),
        output_type=method.output_type.lstrip("."),
        streams=method.server_streaming or method.client_streaming,
        policy=policy,
        bindings=_bindings(method.options),
        comment=comment,
    )


def _bindings(options: descriptor_pb2.MethodOptions) -> tuple[Binding, ...]:
    if not options.HasExtension(annotations_pb2.http):
        return ()
    rule = options.Extensions[annotations_pb2.http]
    return tuple(_binding(each) for each in (rule, *rule.additional_bindings))


def _binding(rule: http_pb2.HttpRule) -> Binding:
    pattern = rule.WhichOneof("pattern")
    if pattern == "custom":
        return Binding(verb=rule.custom.kind, path=rule.custom.path, body=rule.body)
    return Binding(verb=pattern.upper(), path=getattr(rule, pattern), body=rule.body, response_body=rule.response_body)


def _nested(
    prefix: str, message: descriptor_pb2.DescriptorProto, path: _Path, comments: dict[_Path, str]
) -> Iterator[_Type]:
    name = f"{prefix}.{message.name}"
    yield name, message, comments.get(path, "")
    for index, inner in enumerate(message.nested_type):
        yield from _nested(name, inner, (*path, 3, index), comments)
    for index, enum in enumerate(message.enum_type):
        yield f"{name}.{enum.name}", enum, comments.get((*path, 4, index), "")


def _field_comments(file: descriptor_pb2.FileDescriptorProto) -> dict[tuple[str, int], str]:
    comments = comments_of(file)
    found: dict[tuple[str, int], str] = {}

    def visit(prefix: str, message: descriptor_pb2.DescriptorProto, path: _Path) -> None:
        name = f"{prefix}.{message.name}"
        for index in range(len(message.field)):
            if text := comments.get((*path, 2, index)):
                found[name, index] = text
        for index, inner in enumerate(message.nested_type):
            visit(name, inner, (*path, 3, index))

    for index, message in enumerate(file.message_type):
        visit(file.package, message, (4, index))
    return found
