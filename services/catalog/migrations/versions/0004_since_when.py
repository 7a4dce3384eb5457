"""Since when a gate stands as it does; a vendor's promos in their order."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns that nobody has to fill, and an index."""
    op.execute(
        """
        ALTER TABLE store_gates ADD COLUMN type_since TIMESTAMP WITH TIME ZONE,
            ADD COLUMN state_since TIMESTAMP WITH TIME ZONE, ADD COLUMN kyc_status_since TIMESTAMP WITH TIME ZONE,
            ADD COLUMN subscription_active_since TIMESTAMP WITH TIME ZONE;
        ALTER TABLE products ADD COLUMN active_changed_at TIMESTAMP WITH TIME ZONE;
        CREATE INDEX promos_store_id_created_at_idx ON promos (store_id, created_at DESC, id DESC);
        """
    )


def downgrade() -> None:
    """Take them away."""
    op.execute(
        """
        DROP INDEX promos_store_id_created_at_idx;
        ALTER TABLE products DROP COLUMN active_changed_at;
        ALTER TABLE store_gates DROP COLUMN type_since, DROP COLUMN state_since, DROP COLUMN kyc_status_since,
            DROP COLUMN subscription_active_since;
        """
    )
