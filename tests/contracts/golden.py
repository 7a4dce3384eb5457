"""Writes the golden payloads that are missing: `python -m tests.contracts.golden`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from deploy.tools.contracts import event_messages
from meshkit.event_spec import spec_of

FOLDER = Path(__file__).with_name("golden")


def path_of(message: Descriptor) -> Path:
    """Return where the payload of an event's type and version is kept."""
    return FOLDER / f"{spec_of(message).type}.v{spec_of(message).version}.binpb"


def filled(message_class: type[Message]) -> Message:
    """Return a message with every field set to a value that follows from its number."""
    message = message_class()
    for field in message.DESCRIPTOR.fields:
        _fill(message, field)
    return message


def _fill(message: Message, field: FieldDescriptor) -> None:
    if field.message_type and field.is_repeated:
        getattr(message, field.name).add().CopyFrom(filled(field.message_type._concrete_class))
    elif field.message_type:
        getattr(message, field.name).CopyFrom(filled(field.message_type._concrete_class))
    elif field.is_repeated:
        getattr(message, field.name).append(_value(field))
    else:
        setattr(message, field.name, _value(field))


def _value(field: FieldDescriptor) -> Any:
    if field.type == field.TYPE_STRING:
        return f"{field.name}-{field.number}"
    if field.type in {field.TYPE_DOUBLE, field.TYPE_FLOAT}:
        return field.number + 0.5
    if field.type == field.TYPE_BOOL:
        return True
    return field.number


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for declared in event_messages():
        if not path_of(declared).exists():
            path_of(declared).write_bytes(filled(declared._concrete_class).SerializeToString(deterministic=True))
