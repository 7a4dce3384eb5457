"""Where an ad may lead. Pure."""

from __future__ import annotations

import re

# What follows the host is ASCII without what browsers read as something else: a backslash is a slash to them.
_SHAPE = re.compile(r"https://([^/?#\\]+)((?:[/?#][^\s\\]*)?)", re.IGNORECASE)
# A name under a top-level domain: no number, and none of a network of one's own, as `localhost`.
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?!(?:local|localhost|internal|lan|home|arpa)\.?$)[a-z]{_LABEL}\.?")
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
        # Full-width letters and marks become what they look like, so that the pattern below sees what they hide.
        host = authority.removesuffix(_HTTPS_PORT).encode("idna").decode().lower()
    except UnicodeError:
        return None
    if len(host) > _HOST_MAX or _HOST.fullmatch(host) is None or not (rest.isascii() and rest.isprintable()):
        return None
    return f"https://{host}{rest}"
