"""docs/glossary.md lists every word that clients see, explains each, and lists no other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor

from deploy.tools.contracts import event_messages, files
from marketmesh.options.v1 import error_pb2
from meshkit.event_spec import spec_of
from scripts.glossary import MARK, PAGE, rendered
from tests.docs.reading import tables

TEXT = PAGE.read_text()
BY_HAND, _, FROM_CONTRACTS = TEXT.partition(MARK)
WORD = re.compile(r"`([^`]+)`")


def enums() -> Iterator[EnumDescriptor]:
    for file in files():
        if not file.package.startswith("marketmesh.options"):
            yield from file.enum_types_by_name.values()
            yield from _inner(file.message_types_by_name.values())


def _inner(messages: Iterable[Descriptor]) -> Iterator[EnumDescriptor]:
    for message in messages:
        yield from message.enum_types
        yield from _inner(message.nested_types)


def statuses() -> set[tuple[str, str]]:
    return {
        (enum.containing_type.name, value.name)
        for enum in enums()
        if enum.containing_type
        for value in enum.values
        if value.number
    }


def reasons() -> set[str]:
    catalogues = [enum for enum in enums() if enum.name == "ErrorReason"]
    catalogues.append(error_pb2.DESCRIPTOR.enum_types_by_name["CommonReason"])
    return {value.name for enum in catalogues for value in enum.values if value.number}


def listed(head: str) -> list[list[str]]:
    """Return the rows of the tables whose first column is called so."""
    return [row for table in tables(FROM_CONTRACTS) if table[0][0] == head for row in table[1:]]


class TestGlossary:
    def test_is_what_the_contracts_say(self) -> None:
        assert rendered() == MARK + FROM_CONTRACTS, "run `python -m scripts.glossary`"

    def test_lists_every_status_and_choice_and_nothing_else(self) -> None:
        found = [(WORD.findall(of)[0], word) for of, words, *_ in listed("Of") for word in WORD.findall(words)]

        assert len(found) == len(set(found))
        assert set(found) == statuses()

    def test_lists_every_event_and_nothing_else(self) -> None:
        found = [WORD.findall(row[0])[0] for row in listed("Event")]

        assert sorted(found) == sorted({spec_of(message).type for message in event_messages()})

    def test_lists_every_reason_and_nothing_else(self) -> None:
        assert {WORD.findall(row[0])[0] for row in listed("Reason")} == reasons()

    @pytest.mark.parametrize("head", ["Of", "Event", "Reason"])
    def test_explains_each_with_a_sentence(self, head: str) -> None:
        assert listed(head)
        for row in listed(head):
            assert all(row), row
            # What it means, or what helps. (A field's name may begin a sentence.)
            assert re.match(r"[A-Za-z`].*[.]$", row[-1]), row

    def test_names_in_its_own_words_only_what_is_there(self) -> None:
        enum_names = {name for name, _ in statuses()}
        words = {word for _, word in statuses()} | {spec_of(message).type for message in event_messages()}
        known = enum_names | words | reasons()

        named = {word for word in WORD.findall(BY_HAND) if not re.search(r"[ /]", word)}

        assert named - known == set()

    def test_every_enum_of_the_contracts_is_a_message_of_its_own_or_a_catalogue(self) -> None:
        """A bare enum would be in no list here."""
        assert {enum.name for enum in enums() if not enum.containing_type} == {"ErrorReason"}
        assert {enum.name for enum in enums() if enum.containing_type} == {"Value"}


class TestPairs:
    def test_of_payment_words_are_the_same_in_commerce_and_finance(self) -> None:
        by_name = {enum.containing_type.name: enum for enum in enums() if enum.containing_type}
        payment, intent = by_name["PaymentStatus"], by_name["IntentStatus"]

        assert {value.name: value.number for value in payment.values} == {
            value.name: value.number for value in intent.values
        }
