"""Render buf/validate/validate.proto from the descriptor inside the protovalidate wheel.

No wheel ships the .proto text, and our own generated code must agree with the runtime's rules to the byte, so the
text is made from the very descriptor that the runtime uses.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    message_factory,
    text_encoding,
    text_format,
    timestamp_pb2,
)
from protovalidate._gen.buf.validate import validate_pb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SCALARS = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64", 7: "fixed32", 8: "bool",
    9: "string", 12: "bytes", 13: "uint32", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64",
}  # fmt: skip
_LABELS = {1: "optional ", 2: "required ", 3: "repeated "}
_MAX_FIELD = 536_870_911


def render_validate_proto(root: Path) -> None:
    """Write `root`/buf/validate/validate.proto."""
    target = root / "buf" / "validate" / "validate.proto"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(_file_lines(_load())) + "\n")


def _load() -> Any:
    """Return the file descriptor parsed in a pool that knows the file's own custom options."""
    raw: Any = validate_pb._DESC.proto
    data = raw.to_binary() if hasattr(raw, "to_binary") else raw.SerializeToString()
    file = descriptor_pb2.FileDescriptorProto.FromString(data)
    pool = descriptor_pool.DescriptorPool()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        copy = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(copy)
        pool.Add(copy)
    pool.Add(file)
    message_factory.GetMessageClassesForFiles([file.name], pool)
    cls = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FileDescriptorProto"))
    return cls.FromString(data)


def _file_lines(file: Any) -> Iterator[str]:
    yield "// Rendered from the descriptor in the protovalidate wheel (Apache-2.0, Buf Technologies). Do not edit."
    yield f'syntax = "{file.syntax or "proto2"}";'
    yield f"package {file.package};"
    yield from (f'import "{name}";' for name in file.dependency)
    yield from (f"option {option};" for option in _options(file.options))
    for extendee, fields in itertools.groupby(file.extension, key=lambda field: field.extendee):
        yield f"extend {extendee} {{"
        yield from (_field(field, in_oneof=False) for field in fields)
        yield "}"
    for enum in file.enum_type:
        yield from _enum(enum)
    for message in file.message_type:
        yield from _message(message)


def _options(options: Any) -> list[str]:
    rendered = []
    for field, value in options.ListFields():
        name = f"({field.full_name})" if field.is_extension else field.name
        for item in value if field.is_repeated else [value]:
            rendered.append(f"{name} = {_literal(field, item)}")
    return rendered


def _literal(field: Any, value: Any) -> str:
    if field.message_type:
        return f"{{ {text_format.MessageToString(value, as_one_line=True)} }}"
    if field.enum_type:
        return str(field.enum_type.values_by_number[value].name)
    if field.type == field.TYPE_STRING:
        return f'"{text_encoding.CEscape(value, False)}"'
    return str(value).lower()


def _field(field: Any, *, in_oneof: bool) -> str:
    options = _options(field.options)
    if field.HasField("default_value"):
        options.insert(0, f"default = {field.default_value}")
    label = "" if in_oneof else _LABELS[field.label]
    kind = _SCALARS.get(field.type) or field.type_name
    suffix = f" [{', '.join(options)}]" if options else ""
    return f"{label}{kind} {field.name} = {field.number}{suffix};"


def _ranges(ranges: Iterable[Any], *, inclusive: bool) -> str:
    parts = []
    for item in ranges:
        last = item.end if inclusive else item.end - 1
        end = "max" if last >= _MAX_FIELD else str(last)
        parts.append(str(item.start) if last == item.start else f"{item.start} to {end}")
    return ", ".join(parts)


def _enum(enum: Any) -> Iterator[str]:
    yield f"enum {enum.name} {{"
    yield from (f"option {option};" for option in _options(enum.options))
    if enum.reserved_range:
        yield f"reserved {_ranges(enum.reserved_range, inclusive=True)};"
    yield from (f'reserved "{name}";' for name in enum.reserved_name)
    for value in enum.value:
        options = _options(value.options)
        suffix = f" [{', '.join(options)}]" if options else ""
        yield f"{value.name} = {value.number}{suffix};"
    yield "}"


def _message(message: Any) -> Iterator[str]:
    yield f"message {message.name} {{"
    yield from (f"option {option};" for option in _options(message.options))
    for enum in message.enum_type:
        yield from _enum(enum)
    for nested in message.nested_type:
        yield from _message(nested)
    if message.reserved_range:
        yield f"reserved {_ranges(message.reserved_range, inclusive=False)};"
    yield from (f'reserved "{name}";' for name in message.reserved_name)
    if message.extension_range:
        yield f"extensions {_ranges(message.extension_range, inclusive=False)};"
    yield from _fields(message)
    yield "}"


def _fields(message: Any) -> Iterator[str]:
    for field in message.field:
        if not _in_oneof(field):
            yield _field(field, in_oneof=False)
    for index, oneof in enumerate(message.oneof_decl):
        members = [field for field in message.field if _in_oneof(field) and field.oneof_index == index]
        if members:
            yield f"oneof {oneof.name} {{"
            yield from (f"option {option};" for option in _options(oneof.options))
            yield from (_field(field, in_oneof=True) for field in members)
            yield "}"


def _in_oneof(field: Any) -> bool:
    return field.HasField("oneof_index") and not field.proto3_optional
