"""Files of one store, brought into a state by the way a client brings them there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from marketmesh.media.v1 import media_service_pb2 as messages
from meshkit.events.envelope import Envelope
from services.media.files.jobs.look_at_uploads import UploadInspector
from services.media.files.usecases.record_upload import record_upload
from services.media.outbound.object_store import ObjectStore
from services.media.outbound.ports import StoredObject
from services.media.settings import MediaSettings

if TYPE_CHECKING:
    from marketmesh.media.v1 import media_service_pb2_grpc as stubs
    from tests.support.mesh_harness import MeshHarness

Kind = messages.MediaKind.Value
PDF = b"%PDF-1.4 licence"
# How a file of each type begins.
HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP",
    "image/gif": b"GIF89a",
    "video/mp4": b"\x00\x00\x00\x18ftypisom",
    "video/webm": b"\x1aE\xdf\xa3",
    "application/pdf": b"%PDF-",
}


@dataclass
class Uploads:
    """What a store's client does."""

    mesh: MeshHarness
    media: stubs.MediaServiceStub
    store_id: uuid.UUID

    def token(self, role: str = "owner") -> str:
        """Return a token of the store."""
        return self.mesh.store_token(self.store_id, role=role)

    def presign(
        self,
        *,
        kind: int = Kind.license_doc,
        mime_type: str = "application/pdf",
        size_bytes: int = len(PDF),
        file_name: str = "My Licence.PDF",
    ) -> messages.PresignUploadResponse:
        """Announce a file."""
        request = messages.PresignUploadRequest(
            media_kind=kind, mime_type=mime_type, file_name=file_name, size_bytes=size_bytes
        )
        answer: messages.PresignUploadResponse = self.mesh.write(self.media.PresignUpload, request, token=self.token())
        return answer

    def put(self, upload: messages.PresignUploadResponse, data: bytes = PDF, **changes: str) -> int:
        """PUT bytes to the signed URL with its headers and changes to them; returns the HTTP status."""
        return self.put_with(upload.signed_put_url, data, {**upload.headers, **changes})

    @staticmethod
    def put_with(url: str, data: bytes, headers: dict[str, str]) -> int:
        """PUT bytes with exactly these headers; returns the HTTP status."""
        request = urllib.request.Request(url, data=data, headers=headers, method="PUT")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=5) as response:
                status: int = response.status
                return status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def notify(self, upload: messages.PresignUploadResponse) -> None:
        """Deliver the store's notice that the object is complete."""
        self.mesh.deliver_envelope("media", notice(upload.gcs_key))

    def look(self) -> None:
        """Have media look at everything that arrived and remove what failed, as its loop does."""
        objects = object_store_of()
        UploadInspector(self.mesh.process("media").transactions, finder=objects, remover=objects).look_once()

    def record(self, upload: messages.PresignUploadResponse, *, mime_type: str = "", **changes: Any) -> None:
        """Record an object as if it had been looked at; it begins as its type does, unless changed."""
        facts = {"size_bytes": 9, "generation": 1, "head": HEADS.get(upload.content_type, b""), **changes}
        stored = StoredObject(content_type=mime_type or upload.content_type, **facts)
        with self.mesh.transaction("media") as tx:
            record_upload(tx, gcs_key=upload.gcs_key, stored=stored)

    def uploaded(self, *, kind: int = Kind.license_doc, mime_type: str = "application/pdf") -> uuid.UUID:
        """Announce a file and record it as complete; returns its id."""
        upload = self.presign(kind=kind, mime_type=mime_type)
        self.record(upload)
        return uuid.UUID(upload.media_id)

    def row(self, media_id: uuid.UUID | str) -> Any:
        """Return the file's row."""
        return self.mesh.rows("media", "SELECT * FROM media WHERE id = :id", id=uuid.UUID(str(media_id)))[0]

    def announced(self, media_id: uuid.UUID | str) -> int:
        """Return how often the file was announced as uploaded."""
        sql = "SELECT count(*) AS n FROM outbox WHERE type = 'media_uploaded' AND ordering_key = :id"
        count: int = self.mesh.rows("media", sql, id=str(media_id))[0].n
        return count


def notice(key: str) -> Envelope:
    """Return a storage notice as GCS sends it."""
    payload = {"name": key, "size": "1", "contentType": "text/plain"}
    headers = {"eventType": "OBJECT_FINALIZE", "objectId": key, "payloadFormat": "JSON_API_V1"}
    return Envelope(
        event_id=uuid.uuid4(),
        type="OBJECT_FINALIZE",
        version=1,
        topic="media.object.v1",
        ordering_key="",
        payload=json.dumps(payload).encode(),
        headers=headers,
    )


def object_store_of(**changes: Any) -> ObjectStore:
    """Return the object store that the harness's media uses, with changes."""
    settings = MediaSettings()
    values = {
        "signing_key_file": settings.signing_key_file,
        "storage_url": settings.storage_url,
        "bucket": settings.bucket,
        "upload_lifetime": timedelta(minutes=30),
        "read_lifetime": timedelta(hours=48),
        "timeout_s": 2.0,
    }
    return ObjectStore(**{**values, **changes})
