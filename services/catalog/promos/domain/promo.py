"""Promo codes: one spelling, however they are typed."""

from __future__ import annotations

import re

from meshkit.errors import ValidationError
from meshkit.text import matching_key

_SHAPE = re.compile(r"[A-Z0-9_-]{3,40}")


def promo_code(typed: str) -> str:
    """Return a code as it is stored and compared: in capitals, without blanks around it and invisible characters."""
    return matching_key(typed).upper()


def new_promo_code(typed: str) -> str:
    """Return the code that a vendor asks for. Raises ValidationError for what buyers could not type."""
    code = promo_code(typed)
    if not _SHAPE.fullmatch(code):
        raise ValidationError.of("code", "must be 3 to 40 of A-Z, 0-9, _ and -")
    return code
