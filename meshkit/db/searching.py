"""Finding a text within another as people mean it: composition, width, case and kinds of blanks make no difference."""

from __future__ import annotations

# Of every kind in composed form; what nobody sees goes.
_BLANKS = r"[\s\u1680\u180e\u2028\u2029]+"
_UNSEEN = r"[\u00ad\u200b-\u200d\u2060\ufeff]+"


def contains(text: str, wanted: str) -> str:
    """Return the SQL condition that one expression's text holds another's; both are brought to one form alike."""
    return f"strpos({_plain(text)}, {_plain(wanted)}) > 0"


def _plain(expression: str) -> str:
    # Capitals first: some letters have two small forms, as the Greek s.
    composed = f"normalize(lower(upper(normalize(CAST({expression} AS text), NFKC))), NFKC)"
    return f"regexp_replace(regexp_replace({composed}, '{_UNSEEN}', '', 'g'), '{_BLANKS}', ' ', 'g')"
