"""Who delivers an order."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add what fulfillment tells of assignments."""
    op.execute(
        """
        CREATE TABLE order_assignments (
            order_id UUID NOT NULL,
            agent_user_id UUID NOT NULL,
            reason TEXT NOT NULL,
            assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
            version BIGINT NOT NULL,
            CONSTRAINT order_assignments_pk PRIMARY KEY (order_id)
        );
        """
    )


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP TABLE order_assignments")
