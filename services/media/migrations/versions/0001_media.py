"""The first tables of media."""

from alembic import op

from meshkit.db.migrate import create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE media (
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    gcs_key TEXT NOT NULL,
    file_name TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    failure TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    uploaded_at TIMESTAMP WITH TIME ZONE,
    failed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT media_pk PRIMARY KEY (id),
    CONSTRAINT media_gcs_key_key UNIQUE (gcs_key),
    CONSTRAINT media_kind_check CHECK (kind IN ('product', 'ads', 'pdf', 'license_doc', 'coa', 'manifest', 'user', 'store', 'other')),
    CONSTRAINT media_status_check CHECK (status IN ('pending', 'uploaded', 'processing', 'ready', 'failed', 'delete_requested', 'deleted', 'delete_failed')),
    CONSTRAINT media_size_bytes_check CHECK (size_bytes BETWEEN 0 AND 20971520),
    CONSTRAINT media_uploaded_at_check CHECK (status <> 'pending' OR uploaded_at IS NULL)
);
CREATE INDEX media_pending_idx ON media (created_at) WHERE status = 'pending';
CREATE INDEX media_store_id_created_at_idx ON media (store_id, created_at DESC, id DESC);
CREATE TABLE media_attachments (
    id UUID NOT NULL,
    media_id UUID NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id UUID NOT NULL,
    store_id UUID NOT NULL,
    gcs_key TEXT NOT NULL,
    is_protected BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT media_attachments_pk PRIMARY KEY (id),
    CONSTRAINT media_attachments_media_id_entity_key UNIQUE (media_id, entity_type, entity_id),
    CONSTRAINT media_attachments_media_id_fk FOREIGN KEY(media_id) REFERENCES media (id) ON DELETE RESTRICT,
    CONSTRAINT media_attachments_entity_type_check CHECK (entity_type IN ('license', 'ad', 'product_gallery', 'product_coa', 'store_logo', 'store_banner', 'user_avatar')),
    CONSTRAINT media_attachments_is_protected_check CHECK (is_protected = (entity_type IN ('license', 'ad')))
);
CREATE INDEX media_attachments_entity_idx ON media_attachments (entity_type, entity_id);
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE media_attachments, media")
    drop_platform_tables()
