"""What a password may be, besides long enough: no common one, not one's own address. And how spellings are made one."""

from __future__ import annotations

import string
import unicodedata
from functools import cache
from pathlib import Path

# The ten thousand most used ones of the lists of zxcvbn (Dan Wheeler, Dropbox; MIT licence), the most used first,
# and the longer ones of the thirty thousand.
_FILE = Path(__file__).with_name("common_passwords.txt")
_AROUND = string.digits + string.punctuation + string.whitespace
_LEAST_DIFFERENT = 4


def normalised(password: str) -> str:
    """Return the one spelling of a password: keyboards send the same letter composed or decomposed (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def complaint_about(password: str, *, email: str) -> str:
    """Return why a password may not be chosen, or an empty string."""
    plain, address = normalised(password).casefold(), normalised(email).casefold().strip()
    if address and (address in plain or plain == address.partition("@")[0]):
        return "must not be your e-mail address"
    if len(set(plain)) < _LEAST_DIFFERENT:
        return "must have more different characters"
    # `password1234` is guessed as early as `password`.
    core = plain.strip(_AROUND)
    if not core.strip() or plain in _common() or core in _common() or _is_repeated(plain):
        return "is among the first that are guessed; choose several unrelated words"
    return ""


def _is_repeated(plain: str) -> bool:
    """Return whether a password is a common one or a few characters, over and over."""
    at = (plain + plain).find(plain, 1)
    return at < len(plain) and (at < _LEAST_DIFFERENT * 2 or plain[:at] in _common())


@cache
def _common() -> frozenset[str]:
    return frozenset(word.casefold() for word in _FILE.read_text(encoding="utf-8").split())
