"""What media does when the object store reports something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshkit.events.registry import Consumer, UnreadableEvent
from meshkit.obs.logging import get_logger
from services.media.outbound.ports import StoredObject
from services.media.usecases.record_upload import record_upload

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from meshkit.events.envelope import Envelope

OBJECT_TOPIC = "media.object.v1"


def consumers() -> tuple[Consumer, ...]:
    """Return media's consumers."""
    return (Consumer("media", OBJECT_TOPIC).on_notice("OBJECT_FINALIZE", object_finalized),)


def object_finalized(tx: Tx, envelope: Envelope) -> None:
    """Record an object that is complete. Objects that are not ours are nobody's business."""
    key, stored = _read(envelope)
    if record_upload(tx, gcs_key=key, stored=stored) is None:
        get_logger().info("media.unknown_object", object_key=key)


def _read(envelope: Envelope) -> tuple[str, StoredObject]:
    """Return the object's key and facts. The store writes sizes as text (JSON API v1)."""
    try:
        payload = json.loads(envelope.payload)
        return envelope.headers["objectId"], StoredObject(int(payload["size"]), str(payload.get("contentType", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableEvent(f"not a storage notice: {error!r}") from error
