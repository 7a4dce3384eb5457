"""A pickup under way, and assignments that follow from a step that was taken."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add them; code which is still running leaves them alone."""
    op.execute(
        """
        ALTER TABLE order_assignments
            ADD COLUMN pickup_begun_at TIMESTAMP WITH TIME ZONE,
            DROP CONSTRAINT order_assignments_reason_check,
            ADD CONSTRAINT order_assignments_reason_check
                CHECK (reason IN ('auto_random', 'admin_override', 'step_taken'))
        """
    )


def downgrade() -> None:
    """Take them away; what followed from a step is told as an administrator's doing."""
    op.execute("UPDATE order_assignments SET reason = 'admin_override' WHERE reason = 'step_taken'")
    op.execute(
        """
        ALTER TABLE order_assignments
            DROP COLUMN pickup_begun_at,
            DROP CONSTRAINT order_assignments_reason_check,
            ADD CONSTRAINT order_assignments_reason_check CHECK (reason IN ('auto_random', 'admin_override'))
        """
    )
