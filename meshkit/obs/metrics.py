"""Every metric of the mesh, declared in one place so that names and labels stay a bounded set."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

RPC_SECONDS = Histogram("mesh_rpc_duration_seconds", "Time to answer an RPC", ["method", "code"], buckets=_LATENCY)
RPC_IN_FLIGHT = Gauge("mesh_rpc_in_flight", "RPCs being answered")
IDEMPOTENT_REPLAYS = Counter("mesh_idempotent_replay_total", "Answers given again from the idempotency row", ["method"])
RATE_LIMIT = Counter("mesh_ratelimit_total", "Rate-limit decisions", ["bucket", "result"])
TX_RETRIES = Counter("mesh_db_retry_total", "Transactions run again", ["reason"])
OUTBOX_OLDEST_SECONDS = Gauge("mesh_outbox_oldest_age_seconds", "Age of the oldest unpublished event")
OUTBOX_PUBLISHED = Counter("mesh_outbox_publish_total", "Events handed to the bus", ["topic", "result"])
INBOX_HANDLED = Counter("mesh_inbox_handled_total", "Events handled", ["consumer", "type", "result"])
JOB_SECONDS = Histogram("mesh_job_duration_seconds", "Time of a job run", ["job"], buckets=_LATENCY)
JOB_RUNS = Counter("mesh_job_runs_total", "Job runs", ["job", "result"])
JOB_LAST_SUCCESS = Gauge("mesh_job_last_success_timestamp_seconds", "When a job last succeeded", ["job"])
JOB_LAG = Gauge("mesh_job_lag_seconds", "How long ago a job's first tick that nobody has run yet began", ["job"])
JOB_MISSED_TICKS = Counter("mesh_job_missed_ticks_total", "Ticks that passed while nobody ran the job", ["job"])
REDIS_UP = Gauge("mesh_redis_up", "Whether Redis answers; without it the service goes on, degraded")
LOOP_FAILURES = Counter("mesh_loop_failures_total", "Times an endless thread ended and was started again", ["loop"])
LOOP_SILENT_SECONDS = Gauge(
    "mesh_loop_silent_seconds", "How long ago an endless thread last showed that it lives", ["loop"]
)
REVOCATIONS_UNREADABLE = Counter(
    "mesh_revocations_unreadable_total", "Entries of the list that were skipped, per reading"
)
REVOCATIONS_AGE_SECONDS = Gauge("mesh_revocations_age_seconds", "Age of the newest known revocation list")
QUOTE_SECONDS = Histogram("mesh_quote_duration_seconds", "Time to quote a cart", buckets=_LATENCY)
QUOTE_ITEMS = Counter("mesh_quote_items_total", "Items quoted, by what became of them", ["status"])
QUOTE_WARNINGS = Counter("mesh_quote_warnings_total", "Warnings on quoted items and vendors", ["type"])


def serve_metrics(*, port: int, host: str) -> None:
    """Expose the process's metrics at `/metrics`; port 0 means not at all."""
    if port:
        server = make_server(host, port, _metrics_only, server_class=_Server, handler_class=_Silent)
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
        """Log no scrapes."""


def _metrics_only(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/metrics":
        answer: Iterable[bytes] = _METRICS(environ, start_response)
        return answer
    start_response("404 Not Found", [("content-type", "text/plain; charset=utf-8")])
    return [b"Metrics are at /metrics; nothing else is here.\n"]


_METRICS = make_wsgi_app()
