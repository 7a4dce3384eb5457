"""Logs and audit rows keep neither secrets nor names nor what is too much for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import ledger_service_pb2
from marketmesh.identity.v1 import auth_service_pb2
from marketmesh.options.v1 import field_pb2
from meshkit.redaction import redacted, without_secrets
from tests.contracts.test_standard_set import POLICIES

if TYPE_CHECKING:
    from google.protobuf.message import Message


class TestRedacted:
    def test_drops_secrets_and_masks_persons(self) -> None:
        shown = redacted(auth_service_pb2.LoginRequest(email="ann@example.com", password="correct horse"))

        assert shown == {"email": "***"}

    def test_drops_bulk(self) -> None:
        batch = ledger_service_pb2.PostBatchRequest(entries=[ledger_service_pb2.BatchEntry(key="k")])

        assert redacted(batch) == {}
        assert len(batch.entries) == 1


class TestWithoutSecrets:
    def test_leaves_secrets_out_and_the_message_alone(self) -> None:
        request = auth_service_pb2.LoginRequest(email="ann@example.com", password="correct horse")

        assert without_secrets(request) == auth_service_pb2.LoginRequest(email="ann@example.com")
        assert request.password == "correct horse"

    def test_is_the_same_message_where_nothing_is_secret(self) -> None:
        request = auth_service_pb2.SwitchStoreRequest(store_id="x")

        assert without_secrets(request) is request

    def test_leaves_every_field_out_that_is_declared_secret(self) -> None:
        """Looked for in the contracts, so that a new one is covered."""
        seen = 0
        for policy in POLICIES:
            request = policy.request_class()
            fill(request)
            seen += "s3cret" in str(request)

            assert "s3cret" not in str(without_secrets(request)), policy.path
        assert seen >= 6


def fill(message: Message, depth: int = 0) -> None:
    """Give every text that is declared secret a value, also in what the message holds."""
    for field in message.DESCRIPTOR.fields:
        if field.GetOptions().Extensions[field_pb2.sensitivity] == field_pb2.SENSITIVITY_SECRET:
            assert not field.is_repeated, field.full_name
            setattr(message, field.name, "s3cret")
        elif field.message_type and depth < 4 and not field.message_type.GetOptions().map_entry:
            inner = getattr(message, field.name)
            fill(inner.add() if field.is_repeated else inner, depth + 1)
