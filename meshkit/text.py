"""What people type, before it is stored or compared: one spelling for what looks the same, and nothing that deceives."""

from __future__ import annotations

import re
import unicodedata

# Nothing is seen of them, and they are no blanks for `str.strip`: soft hyphen, joiners, direction marks, Mongolian and
# Khmer signs, the fillers of Hangul and the empty sign of Braille.
UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u2800\u3164\ufeff\uffa0"
)
_EDGES = re.compile(rf"^[\s{UNSEEN}\ufe00-\ufe0f]+|[\s{UNSEEN}]+$")
_ANYWHERE = re.compile(rf"[{UNSEEN}\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
# What whoever shows a text obeys instead: terminals, spreadsheets. Line breaks and tabs are text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Whoever reads a text that they turn around reads something else than is stored.
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_LINES = re.compile(r"[\t\n\r\u2028\u2029]")


def tidy(text: str) -> str:
    """Return a text in composed form (NFC), without blanks and unseen characters at its ends; "" if nothing is seen of it."""
    text = _EDGES.sub("", unicodedata.normalize("NFC", text))
    return text if any(map(_is_seen, text)) else ""


def tidy_code(text: str) -> str:
    """Return a code, as a SKU, in the one spelling that it has on every screen: width, blanks and unseen signs are gone.

    Case stays. A code is compared by its letters, and two that cannot be told apart are one.
    """
    return " ".join(_ANYWHERE.sub("", unicodedata.normalize("NFKC", tidy(text))).split())


def matching_key(text: str) -> str:
    """Return what two texts have in common that differ only in case, width, composition, blanks or unseen signs."""
    folded = unicodedata.normalize("NFKC", tidy_code(text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def complaint_about(text: str, *, one_line: bool) -> str:
    """Return what keeps a text from being stored, or "": signs that are obeyed instead of read."""
    if text.isascii() and text.isprintable():
        return ""
    if "\x00" in text:
        return "must not contain a NUL character"
    if _CONTROL.search(text):
        return "must not contain control characters"
    if _DIRECTION.search(text):
        return "must not contain characters that turn the direction of a text"
    if one_line and _LINES.search(text):
        return "must be one line, without tabs"
    return ""


def _is_seen(sign: str) -> bool:
    """Return whether a sign shows something by itself: marks need a letter, controls and blanks show nothing."""
    return unicodedata.category(sign)[0] not in "CMZ" and sign not in _FILLERS
