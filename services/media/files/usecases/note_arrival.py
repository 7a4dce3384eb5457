"""Have an object that arrived in the store looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.media.files.data import media

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def note_arrival(tx: Tx, *, gcs_key: str) -> bool:
    """Note that the object is to be looked at, or removed again where its file has failed. False: no such file."""
    return media.note_arrival(tx, gcs_key) is not None
