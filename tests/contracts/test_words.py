"""Texts of the contracts that are words: the option `words` says of which, and the list is what the service writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, EnumValueDescriptor, FieldDescriptor
from sqlalchemy import CheckConstraint, MetaData

from buf.validate import validate_pb2
from deploy.tools.contracts import event_messages, files
from marketmesh.options.v1 import error_pb2, field_pb2
from meshkit.errors import UnauthorizedCause
from services.catalog import schema as catalog
from services.catalog.products.domain.product import Category, Classification, Unit
from services.catalog.stock.domain.reservations import Refusal, ReservationState
from services.catalog.stock.domain.stock import Cause
from services.commerce import schema as commerce
from services.commerce.orders.domain.order_state import HoldReason, LineStatus, OrderStatus
from services.finance import schema as finance
from services.finance.cash.domain.cash import CashPart, HandInStatus
from services.finance.ledger.domain.hold import HoldStatus
from services.finance.ledger.domain.ledger import CauseType, EntryState, EntryType, Flaw
from services.finance.ledger.domain.subject import SubjectKind
from services.finance.payments.domain.intent import IntentStatus
from services.finance.payouts.domain.payout import PayoutHoldState, PayoutSkip, PayoutStatus
from services.fulfillment import schema as fulfillment
from services.fulfillment.delivery.domain.proof import ProofPolicy
from services.identity import schema as identity
from services.identity.licenses.domain.kyc import KycStatus, LicenseStatus
from services.media.files.domain.kinds import MediaKind
from services.media.files.domain.status import MediaStatus
from tests.docs.reading import ROOT


def checked(metadata: MetaData, name: str) -> set[str]:
    """Return the words that a check constraint allows."""
    found = [check for table in metadata.tables.values() for check in table.constraints if check.name == name]
    (check,) = found
    assert isinstance(check, CheckConstraint)
    return set(re.findall(r"'(\w+)'", str(check.sqltext)))


def written_in(folder: Path, pattern: str, words: type[StrEnum]) -> set[str]:
    """Return the words whose members the code of a folder names in a place; the pattern's group is the member."""
    found = (name for path in folder.rglob("*.py") for name in re.findall(pattern, path.read_text()))
    return {words[name].value for name in found}


# Of every list that a text is of: what the service that writes it says.
SOURCES: dict[str, Iterable[str]] = {
    "catalog.v1.Category": Category,
    "catalog.v1.Classification": Classification,
    "catalog.v1.ReservationEnd": written_in(
        ROOT / "services/catalog", r"announce_release\(.*state=ReservationState\.(\w+)\)", ReservationState
    ),
    "catalog.v1.ReserveRefusal": Refusal,
    "catalog.v1.StockCause": Cause,
    "catalog.v1.Unit": Unit,
    "commerce.v1.CartStatus": checked(commerce.metadata, "cart_records_status_check"),
    "commerce.v1.FulfillmentStatus": checked(commerce.metadata, "vendor_orders_fulfillment_check"),
    "commerce.v1.HoldReason": HoldReason,
    "commerce.v1.LineItemStatus": LineStatus,
    # `accept` and `reject`: the code that decides names both.
    "commerce.v1.OrderDecision": {
        word.lower()
        for word in re.findall(
            r"Action\.(\w+)", (ROOT / "services/commerce/orders/usecases/decide_order.py").read_text()
        )
    },
    "commerce.v1.OrderStatus": OrderStatus,
    "commerce.v1.PaymentMethod": checked(commerce.metadata, "vendor_orders_payment_method_check"),
    "commerce.v1.ShippingStatus": checked(commerce.metadata, "vendor_orders_shipping_check"),
    "finance.v1.BatchRefusal": Flaw,
    "finance.v1.CashPart": CashPart,
    "finance.v1.CauseType": CauseType,
    "finance.v1.EntryState": EntryState,
    "finance.v1.EntryType": EntryType,
    "finance.v1.HandInStatus": HandInStatus,
    "finance.v1.HoldStatus": HoldStatus,
    "finance.v1.IntentStatus": IntentStatus,
    "finance.v1.PayoutHoldState": PayoutHoldState,
    "finance.v1.PayoutSkip": PayoutSkip,
    "finance.v1.PayoutStatus": PayoutStatus,
    "finance.v1.PayoutStep": checked(finance.metadata, "payout_decisions_decision_check"),
    "fulfillment.v1.AssignmentReason": checked(fulfillment.metadata, "order_assignments_reason_check"),
    "fulfillment.v1.ProofPolicy": ProofPolicy,
    "identity.v1.KycStatus": KycStatus,
    "identity.v1.LicenseStatus": LicenseStatus,
    "identity.v1.StoreType": checked(identity.metadata, "stores_type_check"),
    "identity.v1.SystemRole": checked(identity.metadata, "users_system_role_check"),
    "media.v1.MediaKind": MediaKind,
    "media.v1.MediaStatus": MediaStatus,
    "type.v1.UnauthorizedCause": UnauthorizedCause,
}

# How a field is called that is one of few words.
_LIKE_A_WORD = re.compile(
    r"^(\w+_)?(type|kind|status|state|cause|reason|decision|method|role|category|classification|unit|policy|outcome|warnings?)$"
)
# Called so, and yet not of a closed list of ours.
FREE = {
    "state": "of the United States, two capital letters",
    "issuing_state": "as above",
    "buyer_state": "as above",
    "shipping_state": "as above",
    "mime_type": "the Internet has that list",
    "content_type": "as above",
    "packaging_type": "the vendor's own words",
    "reason": "a person's own words, or a sentence",
    "failure_reason": "a sentence",
    "hold_reason": "an administrator's own words",
    "payout_hold_reason": "as above",
}


def messages() -> Iterator[Descriptor]:
    for file in files():
        if file.package.startswith("marketmesh.") and ".options." not in file.package:
            yield from file.message_types_by_name.values()


def texts() -> Iterator[FieldDescriptor]:
    return (field for message in messages() for field in message.fields if field.type == field.TYPE_STRING)


def words_of(field: FieldDescriptor) -> str:
    return str(field.GetOptions().Extensions[field_pb2.words])


def marked() -> list[FieldDescriptor]:
    return [field for message in messages() for field in message.fields if words_of(field)]


def reasons() -> Iterator[EnumValueDescriptor]:
    for file in files():
        for enum in file.enum_types_by_name.values():
            yield from (value for value in enum.values if value.GetOptions().HasExtension(error_pb2.error))


def spec_of(reason: EnumValueDescriptor) -> error_pb2.ErrorSpec:
    return reason.GetOptions().Extensions[error_pb2.error]


def listed() -> dict[str, set[str]]:
    """Return the words of every message that lists some, by its name without the mesh's."""
    return {
        message.full_name.removeprefix("marketmesh."): {value.name for value in enum.values if value.number}
        for message in messages()
        if (enum := message.enum_types_by_name.get("Value"))
    }


def named() -> set[str]:
    """Return the lists that a text or a refusal is of."""
    of_refusals = {name for reason in reasons() for said in spec_of(reason).words for name in said.of}
    return {name.removeprefix("marketmesh.") for name in of_refusals | {words_of(field) for field in marked()}}


class TestLists:
    def test_are_there(self) -> None:
        assert named() - set(listed()) == set()

    def test_are_held_against_a_source_each(self) -> None:
        assert named() == set(SOURCES)

    @pytest.mark.parametrize("name", sorted(SOURCES))
    def test_are_what_the_service_writes(self, name: str) -> None:
        assert listed()[name] == {str(word) for word in SOURCES[name]}

    def test_are_what_the_tables_take(self) -> None:
        assert checked(finance.metadata, "ledger_entries_type_check") == set(EntryType)
        assert checked(finance.metadata, "payment_intents_method_check") == listed()["commerce.v1.PaymentMethod"]
        assert checked(catalog.metadata, "stock_movements_cause_check") == set(Cause)

    def test_of_causes_has_every_subject_that_is_a_cause_by_itself(self) -> None:
        assert {kind.value for kind in SubjectKind} <= {cause.value for cause in CauseType}

    def test_that_nothing_is_of_are_types_of_fields(self) -> None:
        typed = {
            field.enum_type.containing_type.full_name.removeprefix("marketmesh.")
            for message in messages()
            for field in message.fields
            if field.enum_type and field.enum_type.containing_type
        }

        assert set(listed()) - named() - typed == set()


class TestFields:
    def test_that_are_words_are_texts(self) -> None:
        assert marked()
        assert [field.full_name for field in marked() if field.type != field.TYPE_STRING] == []

    def test_take_only_words_of_their_list(self) -> None:
        for field in marked():
            taken = getattr(field.GetOptions().Extensions[validate_pb2.field].string, "in")

            assert set(taken) - {""} <= listed()[words_of(field).removeprefix("marketmesh.")], field.full_name

    def test_that_are_called_like_a_word_say_of_which_list(self) -> None:
        unsaid = {field.full_name for field in texts() if _LIKE_A_WORD.match(field.name) and not words_of(field)}

        assert {name for name in unsaid if name.rpartition(".")[2] not in FREE} == set()

    def test_called_state_or_reason_are_free_only_where_no_table_has_a_list(self) -> None:
        """In events `state` and `reason` are mostly words: the free ones are named."""
        events = {message.full_name for message in event_messages()}

        free = {
            f"{field.containing_type.name}.{field.name}"
            for field in texts()
            if field.name in {"state", "reason"} and field.containing_type.full_name in events and not words_of(field)
        }

        assert free == {
            "StoreCreated.state",
            "StoreGateChanged.state",
            "LicenseStatusChanged.reason",
            "OrderCanceled.reason",
            "PaymentFailed.reason",
            "PaymentRefunded.reason",
            "PayoutDecided.reason",
            "PayoutReturned.reason",
            "CashMismatchResolved.reason",
        }


class TestMetadataOfRefusals:
    def test_that_is_words_is_declared(self) -> None:
        for reason in reasons():
            assert {said.key for said in spec_of(reason).words} <= set(spec_of(reason).metadata), reason.name

    def test_that_is_called_like_a_word_says_of_which_list(self) -> None:
        unsaid = {
            f"{reason.name}.{key}"
            for reason in reasons()
            for key in spec_of(reason).metadata
            if _LIKE_A_WORD.match(key) and key not in {said.key for said in spec_of(reason).words}
        }

        # An administrator's own words; and what was found, of anything, by any service.
        assert unsaid == {"PAYOUT_HELD.hold_reason", "STATE_CONFLICT.state"}
