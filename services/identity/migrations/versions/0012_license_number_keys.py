"""What licence numbers have in common that differ only in blanks, case, width or kinds of dashes; unique in a state.

Licences that are twins already stay: the first filed has the key, the later ones have none and are named in the log, for an
administrator to look at. So is a licence that code of before files beside it; the number itself stays unique as it is.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from meshkit.obs.logging import get_logger

revision = "0012"
down_revision = "0011"

_UP = """
ALTER TABLE licenses ADD COLUMN number_key TEXT;
ALTER TABLE licenses ADD CONSTRAINT licenses_issuing_state_number_key_key UNIQUE (issuing_state, number_key);
"""
_DOWN = "ALTER TABLE licenses DROP COLUMN number_key;"
_ALL = sa.text("SELECT id, issuing_state, number FROM licenses ORDER BY created_at, id")
_SET = sa.text("UPDATE licenses SET number_key = :key WHERE id = :id")
# As meshkit/text.py and services/identity/domain/license_number.py were when this was released.
_DASHES = re.compile("[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]")
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u2800\u3164\ufeff\uffa0"
)
_EDGES = re.compile(rf"^[\s{_UNSEEN}\ufe00-\ufe0f]+|[\s{_UNSEEN}]+$")
_ANYWHERE = re.compile(rf"[{_UNSEEN}\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"


def upgrade() -> None:
    """Add the keys."""
    op.execute(_UP)
    connection = op.get_bind()
    first: dict[tuple[str, str], str] = {}
    keys = []
    for row in connection.execute(_ALL).all():
        key = (row.issuing_state, _key(row.number))
        holder = first.setdefault(key, str(row.id))
        if holder == str(row.id):
            keys.append({"id": row.id, "key": key[1]})
        else:
            get_logger().warning("licenses.twin", license_id=str(row.id), twin_of=holder, issuing_state=key[0])
    if keys:
        connection.execute(_SET, keys)


def downgrade() -> None:
    """Take them away."""
    op.execute(_DOWN)


def _key(number: str) -> str:
    text = _EDGES.sub("", unicodedata.normalize("NFC", _DASHES.sub("-", number)))
    if not any(unicodedata.category(sign)[0] not in "CMZ" and sign not in _FILLERS for sign in text):
        return ""
    folded = unicodedata.normalize("NFKC", _ANYWHERE.sub("", unicodedata.normalize("NFKC", text))).casefold()
    return "".join(unicodedata.normalize("NFKC", folded).split())
