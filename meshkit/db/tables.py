"""The chassis's tables as SQLAlchemy Core, added to each service's own metadata.

A test compares `pg_dump` of the migrated database with that of these models.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

_DLQ_REASON = "reason IN ('max_attempts', 'non_retryable')"


def instant(name: str, *, nullable: bool = False) -> Column:  # type: ignore[type-arg]
    """Return a column for an aware instant."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def platform_metadata() -> MetaData:
    """Return new metadata that already holds the chassis's tables."""
    metadata = MetaData()
    _idempotency(metadata)
    _audit(metadata)
    _outbox(metadata)
    _inbox(metadata)
    Table(
        "job_runs", metadata, Column("job", Text, nullable=False), instant("tick"), instant("finished_at"),
        PrimaryKeyConstraint("job", "tick", name="job_runs_pk"),
    )  # fmt: skip
    return metadata


def _idempotency(metadata: MetaData) -> None:
    table = Table(
        "idempotency_keys",
        metadata,
        Column("principal", Text, nullable=False),
        Column("method", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("request_hash", LargeBinary, nullable=False),
        instant("created_at"),
        instant("expires_at"),
        Column("response", LargeBinary),
        Column("headers", JSONB),
        Column("flow_id", Uuid),
        Column("flow_request", LargeBinary),
        Column("flow_principal", JSONB),
        instant("lease_until", nullable=True),
        PrimaryKeyConstraint("principal", "method", "key", name="idempotency_keys_pk"),
    )
    Index("idempotency_keys_expires_idx", table.c.expires_at)
    Index(
        "idempotency_keys_open_flow_idx",
        table.c.lease_until,
        postgresql_where=text("response IS NULL AND flow_id IS NOT NULL"),
    )


def _audit(metadata: MetaData) -> None:
    log = Table(
        "audit_log",
        metadata,
        Column("id", Uuid, nullable=False),
        Column("seq", BigInteger, Identity(always=True), nullable=False),
        instant("occurred_at"),
        Column("actor", Text, nullable=False),
        Column("actor_user_id", Uuid),
        Column("actor_store_id", Uuid),
        Column("actor_role", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("request", JSONB, nullable=False),
        Column("before", JSONB),
        Column("after", JSONB),
        Column("request_id", Text, nullable=False),
        PrimaryKeyConstraint("id", name="audit_log_pk"),
    )
    Index("audit_log_seq_key", log.c.seq, unique=True)
    Index("audit_log_occurred_idx", log.c.occurred_at.desc(), log.c.id.desc())
    Table(
        "audit_chain",
        metadata,
        Column("position", BigInteger, nullable=False, autoincrement=False),
        Column("audit_id", Uuid, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("position", name="audit_chain_pk"),
        UniqueConstraint("audit_id", name="audit_chain_audit_id_key"),
        ForeignKeyConstraint(["audit_id"], ["audit_log.id"], name="audit_chain_audit_id_fk"),
    )


def _message() -> list[Column]:  # type: ignore[type-arg]
    return [
        Column("type", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("topic", Text, nullable=False),
        Column("ordering_key", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("headers", JSONB, nullable=False),
    ]


def _failure() -> list[Column]:  # type: ignore[type-arg]
    return [
        Column("reason", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        instant("failed_at"),
        instant("replayed_at", nullable=True),
        instant("discarded_at", nullable=True),
        Column("discarded_by", Text),
        Column("discard_reason", Text),
    ]


def _outbox(metadata: MetaData) -> None:
    table = Table(
        "outbox",
        metadata,
        Column("seq", BigInteger, Identity(always=True), nullable=False),
        Column("event_id", Uuid, nullable=False),
        *_message(),
        Column("once_key", Text),
        instant("created_at"),
        instant("available_at"),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("last_error", Text),
        Column("lease_token", Uuid),
        instant("lease_until", nullable=True),
        instant("published_at", nullable=True),
        PrimaryKeyConstraint("seq", name="outbox_pk"),
        UniqueConstraint("event_id", name="outbox_event_id_key"),
        UniqueConstraint("once_key", name="outbox_once_key_key"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="outbox_lease_check"),
    )
    unpublished = table.c.published_at.is_(None)
    Index("outbox_unpublished_idx", table.c.seq, postgresql_where=unpublished)
    Index("outbox_unpublished_key_idx", table.c.ordering_key, table.c.seq, postgresql_where=unpublished)
    Index("outbox_published_idx", table.c.published_at, postgresql_where=table.c.published_at.is_not(None))
    Table(
        "outbox_dlq",
        metadata,
        Column("event_id", Uuid, nullable=False),
        *_message(),
        *_failure(),
        PrimaryKeyConstraint("event_id", name="outbox_dlq_pk"),
        CheckConstraint(_DLQ_REASON, name="outbox_dlq_reason_check"),
    )


def _inbox(metadata: MetaData) -> None:
    table = Table(
        "inbox",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        instant("handled_at"),
        PrimaryKeyConstraint("consumer", "event_id", name="inbox_pk"),
    )
    Index("inbox_handled_at_idx", table.c.handled_at)
    Table(
        "inbox_dlq",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        *_message(),
        *_failure(),
        PrimaryKeyConstraint("consumer", "event_id", name="inbox_dlq_pk"),
        CheckConstraint(_DLQ_REASON, name="inbox_dlq_reason_check"),
    )
