"""A message as JSON-ready data with secrets and bulk removed and personal data masked, as its field options say."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from marketmesh.options.v1 import field_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message


_DROPPED = (field_pb2.SENSITIVITY_SECRET, field_pb2.SENSITIVITY_BULK)


def redacted(message: Message) -> dict[str, Any]:
    """Return the message for logs and audit rows. Bytes fields, secrets and bulk are dropped."""
    copy = type(message)()
    copy.CopyFrom(message)
    _clean(copy)
    return MessageToDict(copy, preserving_proto_field_name=True)


def without_secrets(message: Message) -> Message:
    """Return the message without the fields that are declared secret; the same one if its type has none."""
    if not _has_secrets(message.DESCRIPTOR):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _drop_secrets(copy)
    return copy


def _drop_secrets(message: Message) -> None:
    for field, value in message.ListFields():
        if field.GetOptions().Extensions[field_pb2.sensitivity] == field_pb2.SENSITIVITY_SECRET:
            message.ClearField(field.name)
        elif field.message_type and not field.message_type.GetOptions().map_entry:
            for item in value if field.is_repeated else [value]:
                _drop_secrets(item)


@cache
def _has_secrets(descriptor: Descriptor, above: tuple[str, ...] = ()) -> bool:
    """Return whether a type or what it holds has a field that is declared secret. `above` stops at types that contain themselves."""
    return any(
        field.GetOptions().Extensions[field_pb2.sensitivity] == field_pb2.SENSITIVITY_SECRET
        or (
            field.message_type is not None
            and field.message_type.full_name not in above
            and _has_secrets(field.message_type, (*above, descriptor.full_name))
        )
        for field in descriptor.fields
    )


def _clean(message: Message) -> None:
    for field, value in message.ListFields():
        mark = field.GetOptions().Extensions[field_pb2.sensitivity]
        if mark in _DROPPED or field.type == field.TYPE_BYTES:
            message.ClearField(field.name)
        elif mark == field_pb2.SENSITIVITY_PERSONAL and field.type == field.TYPE_STRING and not field.is_repeated:
            setattr(message, field.name, "***")
        elif field.message_type and not field.message_type.GetOptions().map_entry:
            for item in value if field.is_repeated else [value]:
                _clean(item)
