"""The warehouse in BigQuery. Rows are merged by event id: its own insert ids forget after a minute.

`retry=None` and a time-out on every call: the client's own retries would hold a thread for ten minutes.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, TypeAlias

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Conflict, GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from requests.exceptions import RequestException

from meshkit.errors import DependencyUnavailable
from services.analytics.outbound.ports import FOREVER, lines_of
from services.analytics.reports.domain.kpis import OrderFact, PaymentFact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.rows import JsonObject
    from services.analytics.outbound.ports import Party
    from services.analytics.settings import AnalyticsSettings

    Parameter: TypeAlias = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter

_TIMEOUT_S, _LEAST_S, _ASK_EVERY_S = 20.0, 0.1, 0.1
_AWAY = (GoogleAPICallError, GoogleAuthError, RequestException, OSError)
_COLUMNS = (
    ("event_id", "STRING"),
    ("event_type", "STRING"),
    ("occurred_at", "TIMESTAMP"),
    ("ordered_at", "TIMESTAMP"),
    ("order_version", "INT64"),
    ("order_status", "STRING"),
    ("checkout_group_id", "STRING"),
    ("order_id", "STRING"),
    ("buyer_store_id", "STRING"),
    ("vendor_store_id", "STRING"),
    ("currency", "STRING"),
    ("buyer_zip", "STRING"),
    ("buyer_lat", "FLOAT64"),
    ("buyer_lng", "FLOAT64"),
    ("subtotal_cents", "INT64"),
    ("discounts_cents", "INT64"),
    ("tax_cents", "INT64"),
    ("transport_fee_cents", "INT64"),
    ("gross_revenue_cents", "INT64"),
    ("items", "STRING"),
)


class BigQueryWarehouse:
    """Speaks to BigQuery, or to its emulator when a URL is given."""

    def __init__(self, settings: AnalyticsSettings) -> None:
        self._dataset = f"{settings.bigquery_project}.{settings.bigquery_dataset}"
        self._events = f"{self._dataset}.marketplace_events"
        self._client = _client(settings)
        self._ready = False

    def load(self, rows: Sequence[JsonObject]) -> None:
        """See ports.Warehouse."""
        self._ensure()
        names = ", ".join(f"`{name}`" for name, _ in _COLUMNS)
        # Each field by name: the emulator's UNNEST yields one column where BigQuery's `*` yields the struct's fields.
        fields = ", ".join(f"r.`{name}` AS `{name}`" for name, _ in _COLUMNS)
        values = ", ".join(f"S.`{name}`" for name, _ in _COLUMNS)
        self._query(
            f"MERGE `{self._events}` T USING (SELECT {fields} FROM UNNEST(@rows) AS r) S ON T.event_id = S.event_id"  # noqa: S608
            f" WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
            [bigquery.ArrayQueryParameter("rows", "STRUCT", [_struct(row) for row in rows])],
        )

    def orders_of(self, party: Party, *, start: datetime, end: datetime, until: float = FOREVER) -> list[OrderFact]:
        """See ports.Warehouse."""
        rows = self._read(
            "SELECT ordered_at, order_status, gross_revenue_cents, discounts_cents, buyer_store_id, buyer_zip, items FROM ("  # noqa: S608
            " SELECT *, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY order_version DESC, event_id) AS newest"
            f" FROM `{self._events}`"
            f" WHERE {_side(party)} = @store AND event_type NOT IN ('cash_collected', 'order_paid', 'checkout_converted')"
            " AND ordered_at >= @window_start AND ordered_at < @window_end) WHERE newest = 1",
            party,
            until,
            window_start=start,
            window_end=end,
        )
        return [
            OrderFact(
                row.ordered_at,
                row.order_status,
                row.gross_revenue_cents,
                row.discounts_cents,
                row.buyer_store_id,
                row.buyer_zip,
                lines_of(json.loads(row["items"])),
            )
            for row in rows
        ]

    def payments_of(self, party: Party, *, start: datetime, end: datetime, until: float = FOREVER) -> list[PaymentFact]:
        """See ports.Warehouse."""
        rows = self._read(
            "SELECT occurred_at, gross_revenue_cents FROM ("  # noqa: S608
            # order_paid if there is one, else cash_collected; also one after the window, or an order whose cash came in
            # January and whose payout in February would be January's revenue and February's.
            " SELECT *, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY event_type DESC, event_id) AS best"
            f" FROM `{self._events}`"
            f" WHERE {_side(party)} = @store AND event_type IN ('cash_collected', 'order_paid')"
            " AND occurred_at >= @window_start) WHERE best = 1 AND occurred_at < @window_end",
            party,
            until,
            window_start=start,
            window_end=end,
        )
        return [PaymentFact(row.occurred_at, row.gross_revenue_cents) for row in rows]

    def customers_before(self, party: Party, instant: datetime, *, until: float = FOREVER) -> set[str]:
        """See ports.Warehouse."""
        rows = self._read(
            f"SELECT DISTINCT buyer_store_id FROM `{self._events}` WHERE {_side(party)} = @store"  # noqa: S608
            " AND event_type IN ('cash_collected', 'order_paid') AND occurred_at < @instant",
            party,
            until,
            instant=instant,
        )
        return {row.buyer_store_id for row in rows}

    def _read(self, sql: str, party: Party, until: float, **instants: datetime) -> list[bigquery.Row]:
        self._ensure(until)
        return self._query(
            sql,
            [
                bigquery.ScalarQueryParameter("store", "STRING", str(party.store_id)),
                *(bigquery.ScalarQueryParameter(name, "TIMESTAMP", value) for name, value in instants.items()),
            ],
            until,
        )

    def _query(self, sql: str, parameters: Sequence[Parameter], until: float = FOREVER) -> list[bigquery.Row]:
        config = bigquery.QueryJobConfig(query_parameters=parameters)
        latest = time.monotonic() + _TIMEOUT_S
        try:
            job = self._client.query(sql, job_config=config, retry=None, job_retry=None, timeout=_seconds(until))
            # Not `result` alone: it waits two minutes for the answer, whatever time-out it is given.
            while not job.done(retry=None, timeout=_seconds(until)):
                if time.monotonic() > min(until, latest):
                    raise DependencyUnavailable("The warehouse does not answer.", dependency="bigquery")
                time.sleep(_ASK_EVERY_S)
            return list(job.result(retry=None, job_retry=None, timeout=_seconds(until)))
        except _AWAY as error:
            # What it said names addresses and projects: it is the loader's log's, not a caller's.
            raise DependencyUnavailable("The warehouse does not answer.", dependency="bigquery") from error

    def _ensure(self, until: float = FOREVER) -> None:
        """Create dataset and table once per process."""
        if self._ready:
            return
        try:
            for create in (self._create_dataset, self._create_table):
                try:
                    create(_seconds(until))
                except Conflict:
                    continue
        except _AWAY as error:
            raise DependencyUnavailable("The warehouse does not answer.", dependency="bigquery") from error
        self._ready = True

    def _create_dataset(self, seconds: float) -> None:
        self._client.create_dataset(bigquery.Dataset(self._dataset), retry=None, timeout=seconds)

    def _create_table(self, seconds: float) -> None:
        table = bigquery.Table(self._events, [bigquery.SchemaField(name, kind) for name, kind in _COLUMNS])
        table.time_partitioning = bigquery.TimePartitioning(field="occurred_at")
        table.clustering_fields = ["event_type", "buyer_store_id", "vendor_store_id"]
        self._client.create_table(table, retry=None, timeout=seconds)


def _seconds(until: float) -> float:
    """Return how long a question may take, which is a little when the time is over."""
    return max(_LEAST_S, min(_TIMEOUT_S, until - time.monotonic()))


def _side(party: Party) -> str:
    """Return the column that holds the store: one of two words of ours."""
    return "vendor_store_id" if party.is_vendor else "buyer_store_id"


def _client(settings: AnalyticsSettings) -> bigquery.Client:
    if not settings.bigquery_url:
        return bigquery.Client(project=settings.bigquery_project)
    return bigquery.Client(
        project=settings.bigquery_project,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=settings.bigquery_url),
    )


def _struct(row: JsonObject) -> bigquery.StructQueryParameter:
    cells = {**row, "items": json.dumps(row["items"])}
    return bigquery.StructQueryParameter(
        None, *(bigquery.ScalarQueryParameter(name, kind, cells[name]) for name, kind in _COLUMNS)
    )
