"""Write the part of docs/glossary.md that the contracts say: `python -m scripts.glossary`.

A sentence stands once: of a status or an event above it in its proto, of a refusal in its service's errors.py.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.contracts import comments_of, load_contracts
from marketmesh.options.v1 import error_pb2, event_pb2, field_pb2
from meshkit import errors
from meshkit.errors import MeshError
from scripts.gen_protos import GEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf import descriptor_pb2

    from gateway.contracts import Contracts

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "glossary.md"
MARK = "<!-- From here on: python -m scripts.glossary -->\n"
# Where descriptors keep messages, the enums in them, and the values of those (descriptor.proto).
_MESSAGE, _ENUM, _VALUE = 4, 4, 2


class NothingSaid(Exception):
    """A word of the contracts that nothing explains; the message names it."""


def rendered() -> str:
    """Return the part that the contracts say. Raises NothingSaid."""
    contracts = load_contracts(descriptor_path=GEN / "descriptors.binpb")
    ours = [
        file for file in contracts.files if file.package.startswith("marketmesh.") and ".options." not in file.package
    ]
    parts = [MARK, "\n## Statuses and choices\n"]
    for service in sorted({file.package.split(".")[1] for file in ours}):
        rows = [row for file in ours if file.package.split(".")[1] == service for row in _choices(file)]
        if rows:
            parts += [f"\n### {_owner(service)}\n", _table(("Of", "Word", "Means"), rows)]
    parts += [
        "\n## Texts that are one of these words\n",
        _table(("In", "Field", "Is of"), sorted(set(_texts(contracts)))),
    ]
    events = sorted(row for file in ours for row in _events(file))
    parts += ["\n## Events\n", _table(("Event", "From", "Says"), events)]
    parts += [
        "\n## Reasons of refusals\n",
        _table(("Reason", "From", "Status", "Means", "What helps"), list(_reasons())),
    ]
    return "".join(parts)


def _choices(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, ...]]:
    """Yield (enum, word, sentence); one row for an enum whose words speak for themselves."""
    comments = comments_of(file)
    for number, message in enumerate(file.message_type):
        for inner, enum in enumerate(message.enum_type):
            place = (_MESSAGE, number, _ENUM, inner, _VALUE)
            said = {
                value.name: comments.get((*place, index), "") for index, value in enumerate(enum.value) if value.number
            }
            name = f"`{message.name}`"
            if not any(said.values()):
                together = _must_say(comments.get((_MESSAGE, number), ""), message.name)
                yield name, ", ".join(f"`{word}`" for word in said), together
                continue
            for word, sentence in said.items():
                yield name, f"`{word}`", _must_say(sentence, f"{message.name}.{word}")


def _texts(contracts: Contracts) -> Iterator[tuple[str, ...]]:
    """Yield (message or reason, field, where its words stand) of what is a text in the contract and yet one of few words."""
    for message, _ in contracts.messages.values():
        for field in message.field:
            if name := field.options.Extensions[field_pb2.words]:
                yield f"`{message.name}`", f"`{field.name}`", _named(name)
    for enum in contracts.enums.values():
        for reason in enum[0].value:
            for said in reason.options.Extensions[error_pb2.error].words:
                yield f"`{reason.name}`", f"`{said.key}`", ", ".join(_named(name) for name in said.of)


def _named(name: str) -> str:
    return f"`{name.rpartition('.')[2]}`"


def _owner(package: str) -> str:
    return "every service" if package == "type" else package


def _events(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, ...]]:
    comments = comments_of(file)
    for number, message in enumerate(file.message_type):
        if message.options.HasExtension(event_pb2.event):
            event = message.options.Extensions[event_pb2.event]
            sentence = _must_say(comments.get((_MESSAGE, number), ""), event.type)
            yield f"`{event.type}`", event.topic.partition(".")[0], sentence


def _reasons() -> Iterator[tuple[str, ...]]:
    yield from _reasons_of("every service", errors.__name__)
    for folder in sorted(path.parent.name for path in (ROOT / "services").glob("*/errors.py")):
        yield from _reasons_of(folder, f"services.{folder}.errors")


def _reasons_of(owner: str, module_name: str) -> Iterator[tuple[str, ...]]:
    module = importlib.import_module(module_name)
    found = [
        item
        for _, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, MeshError) and item is not MeshError and item.__module__ == module_name
    ]
    for refusal in sorted(found, key=lambda item: item.reason):
        sentence = _must_say((refusal.__doc__ or "").partition("\n")[0], refusal.reason)
        yield f"`{refusal.reason}`", owner, refusal.code, sentence, refusal.fix


def _must_say(sentence: str, word: str) -> str:
    if not sentence:
        raise NothingSaid(f"{word} has no sentence")
    return sentence


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + rendered())
