"""Photos and signatures that prove deliveries."""

from alembic import op

revision = "0002"
down_revision = "0001"

_KINDS = "'product', 'ads', 'pdf', 'license_doc', 'coa', 'manifest', 'user', 'store', 'other'"
_ENTITIES = "'license', 'ad', 'product_gallery', 'product_coa', 'store_logo', 'store_banner', 'user_avatar'"
_PROTECTED = "'license', 'ad'"
_PROOF = ", 'delivery_proof'"


def _checks(more: str) -> None:
    for table, name, check in (
        ("media", "media_kind_check", f"kind IN ({_KINDS}{more})"),
        ("media_attachments", "media_attachments_entity_type_check", f"entity_type IN ({_ENTITIES}{more})"),
        (
            "media_attachments",
            "media_attachments_is_protected_check",
            f"is_protected = (entity_type IN ({_PROTECTED}{more}))",
        ),
    ):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check})")


def upgrade() -> None:
    """Allow them."""
    _checks(_PROOF)


def downgrade() -> None:
    """Take them back; refused while there are any."""
    _checks("")
