"""Finding a text within another as people mean it: composition, width, case and kinds of blanks make no difference."""

from __future__ import annotations

from meshkit.text import SELECTORS, UNSEEN

# Every kind of blank and dash becomes one; invisible characters are dropped.
_BLANKS = r"[\s\u1680\u180e\u2028\u2029]+"
_UNSEEN = f"[{UNSEEN}{SELECTORS}]+"
# Nearly every text is of this kind, and has only capitals to lose.
_PLAIN_LETTERS = "^(?:[!-~]+ )*[!-~]*$"


def contains(text: str, wanted: str) -> str:
    """Return the SQL condition that one expression's text holds another's; both are brought to one form alike.

    The text that is looked for is normalised once, not again for every row.
    """
    return f"strpos({_plain(text)}, (SELECT {_plain(wanted)})) > 0"


def _plain(expression: str) -> str:
    text = f"CAST({expression} AS text)"
    # Capitals first: some letters have two small forms, as the Greek s.
    composed = f"normalize(lower(upper(normalize({text}, NFKC))), NFKC)"
    seen = f"regexp_replace(regexp_replace({composed}, '{_UNSEEN}', '', 'g'), '{_BLANKS}', ' ', 'g')"
    return f"CASE WHEN {text} ~ '{_PLAIN_LETTERS}' THEN lower({text}) ELSE {seen} END"
