-- The chassis's tables, the same in every service's database. Frozen: later changes are migrations of their own.

CREATE TABLE idempotency_keys (
    principal text NOT NULL,
    method text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    response bytea,
    headers jsonb,
    flow_id uuid,
    flow_request bytea,
    flow_principal jsonb,
    lease_until timestamptz,
    CONSTRAINT idempotency_keys_pk PRIMARY KEY (principal, method, key)
);
CREATE INDEX idempotency_keys_expires_idx ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_open_flow_idx ON idempotency_keys (lease_until) WHERE response IS NULL AND flow_id IS NOT NULL;

CREATE TABLE audit_log (
    id uuid NOT NULL CONSTRAINT audit_log_pk PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    occurred_at timestamptz NOT NULL,
    actor text NOT NULL,
    actor_user_id uuid,
    actor_store_id uuid,
    actor_role text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    outcome text NOT NULL,
    request jsonb NOT NULL,
    before jsonb,
    after jsonb,
    request_id text NOT NULL
);
CREATE UNIQUE INDEX audit_log_seq_key ON audit_log (seq);
CREATE INDEX audit_log_occurred_idx ON audit_log (occurred_at DESC, id DESC);

-- Links each audit row to the one before it. Written a moment after the rows, by one job, so that no write of the
-- business has to wait for another's place in the chain.
CREATE TABLE audit_chain (
    position bigint NOT NULL CONSTRAINT audit_chain_pk PRIMARY KEY,
    audit_id uuid NOT NULL CONSTRAINT audit_chain_audit_id_key UNIQUE,
    hash bytea NOT NULL,
    CONSTRAINT audit_chain_audit_id_fk FOREIGN KEY (audit_id) REFERENCES audit_log (id)
);

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pk PRIMARY KEY,
    event_id uuid NOT NULL CONSTRAINT outbox_event_id_key UNIQUE,
    type text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    ordering_key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    once_key text CONSTRAINT outbox_once_key_key UNIQUE,
    created_at timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    lease_token uuid,
    lease_until timestamptz,
    published_at timestamptz,
    CONSTRAINT outbox_lease_check CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);
CREATE INDEX outbox_unpublished_idx ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_unpublished_key_idx ON outbox (ordering_key, seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published_idx ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE outbox_dlq (
    event_id uuid NOT NULL CONSTRAINT outbox_dlq_pk PRIMARY KEY,
    type text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    ordering_key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    reason text NOT NULL CONSTRAINT outbox_dlq_reason_check CHECK (reason IN ('max_attempts', 'non_retryable')),
    message text NOT NULL,
    attempts integer NOT NULL,
    failed_at timestamptz NOT NULL,
    replayed_at timestamptz
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL,
    CONSTRAINT inbox_pk PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_handled_at_idx ON inbox (handled_at);

CREATE TABLE inbox_dlq (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    version integer NOT NULL,
    topic text NOT NULL,
    ordering_key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    reason text NOT NULL CONSTRAINT inbox_dlq_reason_check CHECK (reason IN ('max_attempts', 'non_retryable')),
    message text NOT NULL,
    attempts integer NOT NULL,
    failed_at timestamptz NOT NULL,
    replayed_at timestamptz,
    CONSTRAINT inbox_dlq_pk PRIMARY KEY (consumer, event_id)
);

CREATE TABLE job_runs (
    job text NOT NULL,
    tick timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    CONSTRAINT job_runs_pk PRIMARY KEY (job, tick)
);
