"""Licences without a key of their number get it: those of before 0012, and what code of before filed beside it.

Of twins the one that has the key keeps it, else the first filed gets it; the others stay without and are named in the log, for
an administrator to look at. Repeating it does no harm: `marketmesh migrate identity --down 0013`, and up again.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from meshkit.obs.logging import get_logger

revision = "0014"
down_revision = "0013"

# Nobody files while this looks which keys are free.
_LOCK = "LOCK TABLE licenses IN SHARE ROW EXCLUSIVE MODE"
_KEYLESS = sa.text("SELECT id, issuing_state, number FROM licenses WHERE number_key IS NULL ORDER BY created_at, id")
_HOLDERS = sa.text("SELECT id, issuing_state, number_key FROM licenses WHERE number_key = ANY(:keys)")
_SET = sa.text("UPDATE licenses SET number_key = :key WHERE id = :id")
# As meshkit/text.py and services/identity/licenses/domain/license_number.py were when this was released.
_DASHES = re.compile("[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]")
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u2800\u3164\ufeff\uffa0"
)
_EDGES = re.compile(rf"^[\s{_UNSEEN}\ufe00-\ufe0f]+|[\s{_UNSEEN}]+$")
_ANYWHERE = re.compile(rf"[{_UNSEEN}\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"


def upgrade() -> None:
    """Give each the key that is free."""
    op.execute(_LOCK)
    connection = op.get_bind()
    keyless = [(row, _key(row.number)) for row in connection.execute(_KEYLESS).all()]
    held = connection.execute(_HOLDERS, {"keys": [key for _, key in keyless]}).all()
    holders = {(row.issuing_state, row.number_key): row.id for row in held}
    keyed = []
    for row, key in keyless:
        holder = holders.setdefault((row.issuing_state, key), row.id)
        if holder == row.id:
            keyed.append({"id": row.id, "key": key})
        else:
            get_logger().warning(
                "licenses.twin", license_id=str(row.id), twin_of=str(holder), issuing_state=row.issuing_state
            )
    if keyed:
        connection.execute(_SET, keyed)


def downgrade() -> None:
    """Nothing to take back: a key that is right may stay."""


def _key(number: str) -> str:
    text = _EDGES.sub("", unicodedata.normalize("NFC", _DASHES.sub("-", number)))
    if not any(unicodedata.category(sign)[0] not in "CMZ" and sign not in _FILLERS for sign in text):
        return ""
    folded = unicodedata.normalize("NFKC", _ANYWHERE.sub("", unicodedata.normalize("NFKC", text))).casefold()
    return "".join(unicodedata.normalize("NFKC", folded).split())
