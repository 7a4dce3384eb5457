"""SKUs in the one spelling that they have on every screen, as requests and sheets bring them from now on.

One whose spelling another product of its store has already stays as it is and is named in the log, for its vendor to look at:
only he knows which is meant. So does one of which nothing would be left, or that would become longer than SKUs are.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from meshkit.obs.logging import get_logger

revision = "0013"
down_revision = "0012"

# Nobody takes a spelling while this looks which ones are free.
_LOCK = "LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE"
# All others have only seen signs and single blanks of ASCII: they are spelled so already.
_ODD = sa.text(
    "SELECT id, store_id, sku, title, subtitle, strain FROM products"
    " WHERE deleted_at IS NULL AND sku !~ '^[!-~]+( [!-~]+)*$' ORDER BY created_at, id"
)
_TAKEN = sa.text("SELECT id, store_id, sku FROM products WHERE deleted_at IS NULL AND sku = ANY(:skus)")
_SET = sa.text("UPDATE products SET sku = :sku, search_words = :words WHERE id = :id")
_MAX = 100
# As meshkit/text.py and services/catalog/domain/search.py were when this was released.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u2800\u3164\ufeff\uffa0"
)
_EDGES = re.compile(rf"^[\s{_UNSEEN}\ufe00-\ufe0f]+|[\s{_UNSEEN}]+$")
_ANYWHERE = re.compile(rf"[{_UNSEEN}\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
_NOT_WORDS = re.compile(r"[\W_]+")


def upgrade() -> None:
    """Respell what can be."""
    op.execute(_LOCK)
    connection = op.get_bind()
    odd = [(row, _spelled(row.sku)) for row in connection.execute(_ODD).all()]
    odd = [(row, sku) for row, sku in odd if sku != row.sku]
    taken = {(row.store_id, row.sku): row.id for row in connection.execute(_TAKEN, {"skus": [sku for _, sku in odd]})}
    respelled = []
    for row, sku in odd:
        holder = taken.setdefault((row.store_id, sku), row.id) if 0 < len(sku) <= _MAX else None
        if holder == row.id:
            respelled.append({"id": row.id, "sku": sku, "words": _words(row.title, row.subtitle, row.strain, sku)})
        else:
            get_logger().warning(
                "products.sku_stays",
                product_id=str(row.id),
                store_id=str(row.store_id),
                twin_of=str(holder) if holder else "",
                sku=ascii(row.sku),
            )
    if respelled:
        connection.execute(_SET, respelled)


def downgrade() -> None:
    """Nothing to take back: what was respelled looks as it did."""


def _spelled(sku: str) -> str:
    seen = _ANYWHERE.sub("", unicodedata.normalize("NFKC", _tidy(sku)))
    return _tidy(" ".join(unicodedata.normalize("NFKC", seen).split()))


def _tidy(sku: str) -> str:
    text = _EDGES.sub("", unicodedata.normalize("NFC", sku))
    shown = any(unicodedata.category(sign)[0] not in "CMZ" and sign not in _FILLERS for sign in text)
    return text if shown else ""


def _words(*texts: str) -> str:
    decomposed = unicodedata.normalize("NFKD", " ".join(texts))
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _NOT_WORDS.sub(" ", bare.casefold()).strip()
