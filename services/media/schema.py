"""Media's tables. Each names its invariant; only media writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from meshkit.db.tables import instant, platform_metadata

metadata = platform_metadata()

# One row per file, written before its upload URL is given out. `size_bytes` is the declared size until the object is
# seen, then the real one; `failure` says why a failed file is one. `arrived_at`: the store has an object that nobody has
# looked at yet. `generation`: which of the object's contents was looked at; only that one is ever read. `removed_at`: a
# failed file's object is gone. `refused_times`, `ask_again_at`: the store answers, but not for this object.
media = Table(
    "media",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("gcs_key", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("failure", Text, nullable=False),
    Column("generation", BigInteger, nullable=True),
    instant("created_at"),
    instant("uploaded_at", nullable=True),
    instant("failed_at", nullable=True),
    instant("arrived_at", nullable=True),
    instant("removed_at", nullable=True),
    Column("refused_times", Integer, nullable=False, server_default=text("0")),
    instant("ask_again_at", nullable=True),
    PrimaryKeyConstraint("id", name="media_pk"),
    UniqueConstraint("gcs_key", name="media_gcs_key_key"),
    CheckConstraint(
        "kind IN ('product', 'ads', 'pdf', 'license_doc', 'coa', 'manifest', 'user', 'store', 'other',"
        " 'delivery_proof')",
        name="media_kind_check",
    ),
    CheckConstraint(
        "status IN ('pending', 'uploaded', 'processing', 'ready', 'failed', 'delete_requested', 'deleted',"
        " 'delete_failed')",
        name="media_status_check",
    ),
    CheckConstraint("size_bytes BETWEEN 0 AND 20971520", name="media_size_bytes_check"),
    CheckConstraint("status <> 'pending' OR uploaded_at IS NULL", name="media_uploaded_at_check"),
)
Index("media_store_id_created_at_idx", media.c.store_id, media.c.created_at.desc(), media.c.id.desc())
Index("media_pending_idx", media.c.created_at, postgresql_where=text("status = 'pending'"))
Index("media_open_of_store_idx", media.c.store_id, media.c.created_at, postgresql_where=text("status = 'pending'"))
Index("media_open_of_user_idx", media.c.user_id, media.c.created_at, postgresql_where=text("status = 'pending'"))
Index("media_arrived_idx", media.c.arrived_at, postgresql_where=text("status = 'pending' AND arrived_at IS NOT NULL"))
Index("media_to_remove_idx", media.c.failed_at, postgresql_where=text("status = 'failed' AND removed_at IS NULL"))
Index("media_removed_idx", media.c.removed_at, postgresql_where=text("status = 'failed'"))

# One row per use of a file by a thing of the same store. Rows are added and removed, never changed.
media_attachments = Table(
    "media_attachments",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("media_id", Uuid, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("gcs_key", Text, nullable=False),
    Column("is_protected", Boolean, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="media_attachments_pk"),
    UniqueConstraint("media_id", "entity_type", "entity_id", name="media_attachments_media_id_entity_key"),
    ForeignKeyConstraint(["media_id"], ["media.id"], name="media_attachments_media_id_fk", ondelete="RESTRICT"),
    CheckConstraint(
        "entity_type IN ('license', 'ad', 'product_gallery', 'product_coa', 'store_logo', 'store_banner',"
        " 'user_avatar', 'delivery_proof')",
        name="media_attachments_entity_type_check",
    ),
    CheckConstraint(
        "is_protected = (entity_type IN ('license', 'ad', 'delivery_proof'))",
        name="media_attachments_is_protected_check",
    ),
)
Index("media_attachments_entity_idx", media_attachments.c.entity_type, media_attachments.c.entity_id)
