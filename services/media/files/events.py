"""What media does when the object store reports something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.events.registry import Consumer, UnreadableEvent
from meshkit.obs.logging import get_logger
from services.media.files.usecases.note_arrival import note_arrival

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from meshkit.events.envelope import Envelope

OBJECT_TOPIC = "media.object.v1"


def consumers() -> tuple[Consumer, ...]:
    """Return media's consumers."""
    return (Consumer("media", OBJECT_TOPIC).on_notice("OBJECT_FINALIZE", object_finalized),)


def object_finalized(tx: Tx, envelope: Envelope) -> None:
    """Have a complete object looked at: a notice alone proves nothing. Notices of objects that are not ours are ignored."""
    key = envelope.headers.get("objectId")
    if not key:
        raise UnreadableEvent("not a storage notice: it has no objectId")
    if not note_arrival(tx, gcs_key=key):
        get_logger().info("media.unknown_object", object_key=key)
