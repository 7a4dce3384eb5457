"""A warehouse that takes a question and never answers it."""

from __future__ import annotations

import socket
import time
import uuid
from datetime import UTC, datetime

import pytest

from meshkit.errors import DependencyUnavailable
from services.analytics.outbound.bigquery_warehouse import BigQueryWarehouse
from services.analytics.outbound.ports import Party
from services.analytics.settings import AnalyticsSettings

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


class TestReaders:
    @pytest.mark.timeout(15)
    def test_wait_no_longer_than_their_caller(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as hung:
            warehouse = BigQueryWarehouse(
                AnalyticsSettings(
                    database_url="postgresql://unused",
                    bigquery_url=f"http://127.0.0.1:{hung.getsockname()[1]}",
                    bigquery_project="marketmesh-dev",
                )
            )
            soon = time.monotonic() + 0.2

            with pytest.raises(DependencyUnavailable) as refused:
                warehouse.orders_of(Party("vendor", uuid.uuid4()), start=START, end=END, until=soon)

        assert refused.value.metadata == {"dependency": "bigquery"}
        assert "127.0.0.1" not in refused.value.message
