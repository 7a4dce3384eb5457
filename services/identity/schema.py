"""Identity's tables. Each names its invariant; only identity writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db.tables import instant, platform_metadata

metadata = platform_metadata()

# One row per person; e-mail addresses are unique without regard to case.
users = Table(
    "users",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("system_role", Text),
    Column("is_active", Boolean, nullable=False),
    instant("last_login_at", nullable=True),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="users_pk"),
    CheckConstraint("system_role IN ('agent', 'admin')", name="users_system_role_check"),
)
Index("users_email_key", func.lower(users.c.email), unique=True)
Index("users_system_role_idx", users.c.system_role, postgresql_where=text("system_role IS NOT NULL"))

# One row per tenant. `gate_version` counts changes of what other services keep of it. `logo_flow` is the flow that last
# set out to change the logo: only it may record what it attached.
stores = Table(
    "stores",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("company_name", Text, nullable=False),
    Column("dba_name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("kyc_status", Text, nullable=False),
    Column("subscription_active", Boolean, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("gate_version", BigInteger, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    Column("logo_media_id", Uuid),
    Column("logo_flow", Uuid),
    PrimaryKeyConstraint("id", name="stores_pk"),
    CheckConstraint("type IN ('buyer', 'vendor')", name="stores_type_check"),
    CheckConstraint(
        "kyc_status IN ('pending_verification', 'verified', 'rejected', 'expired', 'suspended')",
        name="stores_kyc_status_check",
    ),
)

# Who belongs to which store, as what.
memberships = Table(
    "memberships",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="memberships_pk"),
    UniqueConstraint("store_id", "user_id", name="memberships_store_id_user_id_key"),
    ForeignKeyConstraint(["store_id"], ["stores.id"], name="memberships_store_id_fk"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="memberships_user_id_fk"),
    CheckConstraint(
        "role IN ('owner', 'admin', 'manager', 'viewer', 'agent', 'staff', 'ops')", name="memberships_role_check"
    ),
    CheckConstraint("status IN ('invited', 'active', 'removed', 'pending')", name="memberships_status_check"),
)
Index("memberships_user_id_idx", memberships.c.user_id)

# A family of tokens from one sign-in. Tokens minted before `not_before` do not count; `ended_at` ends it for good.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("audience", Text, nullable=False),
    Column("active_store_id", Uuid),
    instant("created_at"),
    instant("not_before", nullable=True),
    instant("ended_at", nullable=True),
    Column("end_reason", Text),
    PrimaryKeyConstraint("id", name="sessions_pk"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="sessions_user_id_fk"),
    ForeignKeyConstraint(["active_store_id"], ["stores.id"], name="sessions_active_store_id_fk"),
)
Index("sessions_not_before_idx", sessions.c.not_before, postgresql_where=text("not_before IS NOT NULL"))
Index("sessions_user_id_idx", sessions.c.user_id)

# Only hashes are kept. A token is spent when `rotated_at` is set; its successor is derived from it.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, nullable=False),
    Column("session_id", Uuid, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    instant("rotated_at", nullable=True),
    PrimaryKeyConstraint("token_hash", name="refresh_tokens_pk"),
    ForeignKeyConstraint(["session_id"], ["sessions.id"], name="refresh_tokens_session_id_fk"),
)
Index("refresh_tokens_session_id_idx", refresh_tokens.c.session_id)

# Licence numbers are unique per issuing state; the document is a media id of the same store.
licenses = Table(
    "licenses",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("media_id", Uuid, nullable=False),
    Column("issuing_state", Text, nullable=False),
    Column("issue_date", Date),
    Column("expiration_date", Date),
    Column("type", Text, nullable=False),
    Column("number", Text, nullable=False),
    # What spellings of one number have in common (domain/license_number.py); none for twins of before.
    Column("number_key", Text, nullable=True),
    Column("reason", Text, nullable=False),
    instant("created_at"),
    instant("decided_at", nullable=True),
    PrimaryKeyConstraint("id", name="licenses_pk"),
    UniqueConstraint("issuing_state", "number", name="licenses_issuing_state_number_key"),
    UniqueConstraint("issuing_state", "number_key", name="licenses_issuing_state_number_key_key"),
    ForeignKeyConstraint(["store_id"], ["stores.id"], name="licenses_store_id_fk"),
    CheckConstraint("status IN ('pending', 'verified', 'rejected', 'expired')", name="licenses_status_check"),
    CheckConstraint("type IN ('producer', 'grower', 'dispensary', 'merchant')", name="licenses_type_check"),
)
Index("licenses_store_id_created_at_idx", licenses.c.store_id, licenses.c.created_at.desc(), licenses.c.id.desc())
Index("licenses_pending_idx", licenses.c.created_at, licenses.c.id, postgresql_where=text("status = 'pending'"))
Index("licenses_expiration_date_idx", licenses.c.expiration_date)

# The inbox; rows without a store are the administrators'. One row per event and recipient.
notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("store_id", Uuid),
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("link", Text, nullable=False),
    instant("read_at", nullable=True),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="notifications_pk"),
    CheckConstraint(
        "type IN ('system_announcement', 'market_update', 'security_alert', 'order_alert', 'compliance')",
        name="notifications_type_check",
    ),
)
Index(
    "notifications_store_id_created_at_idx",
    notifications.c.store_id,
    notifications.c.created_at.desc(),
    notifications.c.id.desc(),
)
# For retention only: rows come in order of time, and no list can be tempted to walk everybody's notifications by it.
Index("notifications_created_at_idx", notifications.c.created_at, postgresql_using="brin")
Index("notifications_unread_idx", notifications.c.store_id, postgresql_where=text("read_at IS NULL"))
