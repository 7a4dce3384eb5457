"""The first tables of identity."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE notifications (
    id UUID NOT NULL,
    store_id UUID,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    message TEXT NOT NULL,
    link TEXT NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT notifications_pk PRIMARY KEY (id),
    CONSTRAINT notifications_type_check CHECK (type IN ('system_announcement', 'market_update', 'security_alert', 'order_alert', 'compliance'))
);
CREATE INDEX notifications_store_id_created_at_idx ON notifications (store_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread_idx ON notifications (store_id) WHERE read_at IS NULL;
CREATE TABLE stores (
    id UUID NOT NULL,
    type TEXT NOT NULL,
    company_name TEXT NOT NULL,
    dba_name TEXT NOT NULL,
    phone TEXT NOT NULL,
    kyc_status TEXT NOT NULL,
    subscription_active BOOLEAN NOT NULL,
    address JSONB NOT NULL,
    gate_version BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT stores_pk PRIMARY KEY (id),
    CONSTRAINT stores_type_check CHECK (type IN ('buyer', 'vendor')),
    CONSTRAINT stores_kyc_status_check CHECK (kyc_status IN ('pending_verification', 'verified', 'rejected', 'expired', 'suspended'))
);
CREATE TABLE users (
    id UUID NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    phone TEXT NOT NULL,
    system_role TEXT,
    is_active BOOLEAN NOT NULL,
    last_login_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT users_pk PRIMARY KEY (id),
    CONSTRAINT users_system_role_check CHECK (system_role IN ('agent', 'admin'))
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE INDEX users_system_role_idx ON users (system_role) WHERE system_role IS NOT NULL;
CREATE TABLE licenses (
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    user_id UUID NOT NULL,
    status TEXT NOT NULL,
    media_id UUID NOT NULL,
    issuing_state TEXT NOT NULL,
    issue_date DATE,
    expiration_date DATE,
    type TEXT NOT NULL,
    number TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT licenses_pk PRIMARY KEY (id),
    CONSTRAINT licenses_issuing_state_number_key UNIQUE (issuing_state, number),
    CONSTRAINT licenses_store_id_fk FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT licenses_status_check CHECK (status IN ('pending', 'verified', 'rejected', 'expired')),
    CONSTRAINT licenses_type_check CHECK (type IN ('producer', 'grower', 'dispensary', 'merchant'))
);
CREATE INDEX licenses_expiration_date_idx ON licenses (expiration_date);
CREATE INDEX licenses_pending_idx ON licenses (created_at, id) WHERE status = 'pending';
CREATE INDEX licenses_store_id_created_at_idx ON licenses (store_id, created_at DESC, id DESC);
CREATE TABLE memberships (
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT memberships_pk PRIMARY KEY (id),
    CONSTRAINT memberships_store_id_user_id_key UNIQUE (store_id, user_id),
    CONSTRAINT memberships_store_id_fk FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT memberships_user_id_fk FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'admin', 'manager', 'viewer', 'agent', 'staff', 'ops')),
    CONSTRAINT memberships_status_check CHECK (status IN ('invited', 'active', 'removed', 'pending'))
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);
CREATE TABLE sessions (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    audience TEXT NOT NULL,
    active_store_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    end_reason TEXT,
    CONSTRAINT sessions_pk PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fk FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT sessions_active_store_id_fk FOREIGN KEY(active_store_id) REFERENCES stores (id)
);
CREATE INDEX sessions_not_before_idx ON sessions (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE TABLE refresh_tokens (
    token_hash BYTEA NOT NULL,
    session_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    rotated_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT refresh_tokens_pk PRIMARY KEY (token_hash),
    CONSTRAINT refresh_tokens_session_id_fk FOREIGN KEY(session_id) REFERENCES sessions (id)
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE refresh_tokens, sessions, memberships, licenses, users, stores, notifications")
    drop_platform_tables()
