"""Proofs of delivery, and why an agent was chosen."""

from alembic import op

revision = "0002"
down_revision = "0001"

_UP = """
ALTER TABLE deliveries
    ADD COLUMN code_issue INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN code_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_assignments
    ADD COLUMN note TEXT NOT NULL DEFAULT '',
    ADD COLUMN proof_kind TEXT NOT NULL DEFAULT '',
    ADD COLUMN proof_media_id UUID,
    ADD CONSTRAINT order_assignments_proof_kind_check CHECK (proof_kind IN ('', 'photo', 'signature', 'code')),
    ADD CONSTRAINT order_assignments_proof_media_id_check
        CHECK ((proof_media_id IS NOT NULL) = (proof_kind IN ('photo', 'signature')));
CREATE TABLE proof_uploads (
    media_id UUID NOT NULL,
    order_id UUID NOT NULL,
    agent_user_id UUID NOT NULL,
    kind TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT proof_uploads_pk PRIMARY KEY (media_id),
    CONSTRAINT proof_uploads_order_id_fk FOREIGN KEY(order_id) REFERENCES deliveries (order_id),
    CONSTRAINT proof_uploads_kind_check CHECK (kind IN ('photo', 'signature'))
);
"""


def upgrade() -> None:
    """Create them."""
    op.execute(_UP)


def downgrade() -> None:
    """Take them back, and what they prove with them."""
    op.execute("DROP TABLE proof_uploads")
    op.execute("ALTER TABLE order_assignments DROP COLUMN proof_media_id, DROP COLUMN proof_kind, DROP COLUMN note")
    op.execute("ALTER TABLE deliveries DROP COLUMN code_failures, DROP COLUMN code_issue")
