"""Where an ad may lead. Pure."""

from __future__ import annotations

import re

# What follows the host is ASCII without what browsers read as something else: a backslash is a slash to them.
_SHAPE = re.compile(r"https://([^/?#\\]+)((?:[/?#][^\s\\]*)?)", re.IGNORECASE)
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
# A name under a top-level domain: no number, and none of a network of one's own, as `localhost`.
_HOST = rf"(?:{_LABEL}\.)+(?!(?:local|localhost|internal|lan|home|arpa)\.?(?:[/?#]|$))[a-z][a-z0-9-]*[a-z0-9]\.?"
# A whole address as it comes out below, but for the length of its names: those too long lead nowhere. Postgres reads it too.
CLEAN = rf"^https://{_HOST}([/?#][!-\[\]-~]*)?$"
_CLEAN = re.compile(CLEAN)
_HTTPS_PORT = ":443"
_HOST_MAX = 253


def clean_destination(written: str) -> str | None:
    """Return an address as browsers see it, or None when it is not https, carries a login or names another port.

    The host comes out in lower case and, where it is international, in its ASCII form.
    """
    shape = _SHAPE.fullmatch(written.strip())
    if shape is None:
        return None
    authority, rest = shape.groups()
    try:
        # Full-width letters and marks become what they look like, so that the pattern sees what they hide. A label of more
        # than 63 letters is refused here.
        host = authority.removesuffix(_HTTPS_PORT).encode("idna").decode().lower()
    except UnicodeError:
        return None
    clean = f"https://{host}{rest}"
    return clean if len(host) <= _HOST_MAX and _CLEAN.fullmatch(clean) else None
