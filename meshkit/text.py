"""Normalises what people type before it is stored or compared: one spelling for what looks the same, no deceptive characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Nothing is seen of them, and they are no blanks for `str.strip`: soft hyphen, joiners, direction marks, Mongolian and
# Khmer signs, the fillers of Hangul and the empty sign of Braille. Ranges, as in a pattern.
UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u2800\u3164\ufeff\uffa0"
)
SELECTORS = "\ufe00-\ufe0f"
_ANYWHERE = re.compile(rf"[{UNSEEN}{SELECTORS}\U000e0000-\U000e0fff]")
# For `str.strip`, which is linear: a pattern that ends in `$` looks again from every blank inside a text.
_BASIC = "".join(map(chr, range(0x10000)))
_BLANKS_AND_UNSEEN = "".join(filter(str.isspace, _BASIC)) + "".join(re.findall(f"[{UNSEEN}]", _BASIC))
_BEFORE = _BLANKS_AND_UNSEEN + "".join(re.findall(f"[{SELECTORS}]", _BASIC))
# More than any script needs on one letter (UAX 15, Stream-Safe Text); to compose a run takes the square of its length.
_MARKS_MAX, _LAST_MARK = 30, 0x1E94A
_MARKS = "".join(sign for sign in map(chr, range(_LAST_MARK + 1)) if unicodedata.combining(sign))
_TOO_MANY_MARKS = re.compile(f"[{_MARKS}]{{{_MARKS_MAX + 1}}}")
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
_COMPLAINTS = (
    (re.compile("\x00"), "must not contain a NUL character"),
    # Control characters, which terminals and spreadsheets obey instead of showing. Line breaks and tabs are text.
    (re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"), "must not contain control characters"),
    # Direction overrides: with them a text looks different from what is stored.
    (re.compile(r"[\u202a-\u202e\u2066-\u2069]"), "must not contain characters that turn the direction of a text"),
    (_TOO_MANY_MARKS, f"must not have more than {_MARKS_MAX} marks on one letter"),
)
_LINES = re.compile(r"[\t\n\r\u2028\u2029]")


def tidy(text: str) -> str:
    """Return a text in composed form (NFC), without blanks and unseen characters at its ends; "" if nothing is seen of it."""
    text = _composed("NFC", text).lstrip(_BEFORE).rstrip(_BLANKS_AND_UNSEEN)
    return text if any(map(_is_seen, text)) else ""


def tidy_code(text: str) -> str:
    """Return a code, as a SKU, in the one spelling that it has on every screen: width, blanks and unseen signs are gone.

    Case stays. A code is compared by its letters, and two that cannot be told apart are one.
    """
    seen = _ANYWHERE.sub("", _composed("NFKC", tidy(text)))
    # Again: what stood between a letter and its mark is gone.
    return tidy(" ".join(_composed("NFKC", seen).split()))


def matching_key(text: str) -> str:
    """Return what two texts have in common that differ only in case, width, composition, blanks or unseen signs."""
    folded = _composed("NFKC", tidy_code(text)).casefold()
    return " ".join(_composed("NFKC", folded).split())


def complaint_about(text: str, *, one_line: bool) -> str:
    """Return why a text cannot be stored, or "": control characters, direction overrides, heaps of marks, more than one line."""
    if text.isascii() and text.isprintable():
        return ""
    found = (complaint for pattern, complaint in _COMPLAINTS if pattern.search(text))
    return next(found, "must be one line, without tabs" if one_line and _LINES.search(text) else "")


def _composed(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return a text in a normal form; one that `complaint_about` refuses for its marks as it is."""
    return text if _TOO_MANY_MARKS.search(text) else unicodedata.normalize(form, text)


def _is_seen(sign: str) -> bool:
    """Return whether a sign shows something by itself: marks need a letter, controls and blanks show nothing."""
    return unicodedata.category(sign)[0] not in "CMZ" and sign not in _FILLERS
