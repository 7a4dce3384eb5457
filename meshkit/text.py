"""What people type, before it is stored or compared: one spelling for what looks the same."""

from __future__ import annotations

import unicodedata

# Invisible at the edges of a text and no blanks for `str.strip`: zero-width space and joiners, word joiner, byte order
# mark, soft hyphen, Hangul fillers.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u115f\u1160\u3164\uffa0"


def tidy(text: str) -> str:
    """Return a text in composed form (NFC), without blanks and invisible characters at its ends."""
    text = unicodedata.normalize("NFC", text)
    while text != (stripped := text.strip().strip(_INVISIBLE)):
        text = stripped
    return text


def matching_key(text: str) -> str:
    """Return what two texts have in common that differ only in case, width, composition or blanks."""
    folded = unicodedata.normalize("NFKC", tidy(text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
