"""Logs and audit rows keep neither secrets nor names nor what is too much for them."""

from __future__ import annotations

from marketmesh.finance.v1 import ledger_service_pb2
from marketmesh.identity.v1 import auth_service_pb2
from meshkit.redaction import redacted


class TestRedacted:
    def test_drops_secrets_and_masks_persons(self) -> None:
        shown = redacted(auth_service_pb2.LoginRequest(email="ann@example.com", password="correct horse"))

        assert shown == {"email": "***"}

    def test_drops_bulk(self) -> None:
        batch = ledger_service_pb2.PostBatchRequest(entries=[ledger_service_pb2.BatchEntry(key="k")])

        assert redacted(batch) == {}
        assert len(batch.entries) == 1
