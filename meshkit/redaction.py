"""A message as JSON-ready data with secrets and bulk removed and personal data masked, as its field options say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from marketmesh.options.v1 import field_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message


_DROPPED = (field_pb2.SENSITIVITY_SECRET, field_pb2.SENSITIVITY_BULK)


def redacted(message: Message) -> dict[str, Any]:
    """Return the message for logs and audit rows. Bytes fields, secrets and bulk are dropped."""
    copy = type(message)()
    copy.CopyFrom(message)
    _clean(copy)
    return MessageToDict(copy, preserving_proto_field_name=True)


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
