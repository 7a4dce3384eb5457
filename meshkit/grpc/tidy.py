"""Texts as people meant them: composed, without blanks and invisible characters at their ends.

Done once, before anything is validated, hashed or compared, so that no service can forget it and no two names, SKUs or
numbers differ only in that. Secrets and files stay as they came.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from marketmesh.options.v1 import field_pb2
from meshkit.text import tidy

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

_AS_IT_CAME = (field_pb2.SENSITIVITY_SECRET, field_pb2.SENSITIVITY_BULK)


def tidy_texts(message: Message) -> None:
    """Tidy every text of a request, in place."""
    for field in _told_in_text(message.DESCRIPTOR):
        if field.is_repeated:
            items = getattr(message, field.name)
            if field.message_type:
                for item in items:
                    tidy_texts(item)
            elif not all(map(_is_tidy, items)):
                items[:] = map(tidy, items)
        elif field.message_type:
            if message.HasField(field.name):
                tidy_texts(getattr(message, field.name))
        elif not _is_tidy(text := getattr(message, field.name)):
            setattr(message, field.name, tidy(text))


@cache
def _told_in_text(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """Return the fields that hold texts of people, or messages that do."""
    return tuple(
        field
        for field in descriptor.fields
        if (field.type == field.TYPE_STRING and _sensitivity(field) not in _AS_IT_CAME)
        or (field.message_type and not field.message_type.GetOptions().map_entry)
    )


def _sensitivity(field: FieldDescriptor) -> int:
    return int(field.GetOptions().Extensions[field_pb2.sensitivity])


def _is_tidy(text: str) -> bool:
    # True of nearly every text: an id, a word, a name in plain letters.
    return text.isascii() and not text[:1].isspace() and not text[-1:].isspace()
