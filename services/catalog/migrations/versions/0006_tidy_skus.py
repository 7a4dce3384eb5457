"""SKUs without blanks around them and in composed form, as requests bring them from now on.

One whose tidy form is another product's stays as it is: only its vendor knows which is meant.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_TIDY = (
    r"regexp_replace(normalize(sku, NFC), '^[[:space:]\u00a0\u200b\ufeff]+|[[:space:]\u00a0\u200b\ufeff]+$', '', 'g')"
)


def upgrade() -> None:
    """Tidy what can be."""
    op.execute(
        f"""
        UPDATE products p SET sku = t.tidy
        FROM (SELECT id, store_id, {_TIDY} AS tidy, deleted_at FROM products) t
        WHERE p.id = t.id AND p.sku <> t.tidy AND t.tidy <> '' AND p.deleted_at IS NULL
          AND NOT EXISTS (
            SELECT 1 FROM products o WHERE o.store_id = p.store_id AND o.id <> p.id AND o.deleted_at IS NULL
              AND {_TIDY.replace("sku", "o.sku")} = t.tidy
          )
        """  # noqa: S608
    )


def downgrade() -> None:
    """Nothing to take back: what stood around them nobody saw."""
