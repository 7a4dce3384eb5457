"""Files of a store that somebody else uploads: an agent's proof of delivery."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from marketmesh.media.v1 import media_internal_service_pb2_grpc as internal_stubs
from marketmesh.media.v1 import media_service_pb2
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import MeshHarness, Refused


@pytest.fixture
def presign(mesh: MeshHarness, internal: internal_stubs.MediaInternalServiceStub, uploads: Uploads) -> Any:
    """Return how fulfillment announces a proof."""
    first = {
        "media_id": str(uuid.uuid4()),
        "store_id": str(uploads.store_id),
        "user_id": str(uuid.uuid4()),
        "media_kind": Kind.delivery_proof,
        "mime_type": "image/png",
        "file_name": "photo",
        "size_bytes": 10,
    }

    def call(**changes: Any) -> media_service_pb2.PresignUploadResponse:
        request = messages.PresignForStoreRequest(**{**first, **changes})
        answer: media_service_pb2.PresignUploadResponse = mesh.read(
            internal.PresignForStore, request, token=mesh.service_token("fulfillment")
        )
        return answer

    return call


class TestPresignForStore:
    def test_announces_a_file_of_the_store_once(self, presign: Any, uploads: Uploads) -> None:
        first, second = presign(), presign()

        row = uploads.row(first.media_id)
        assert (first.media_id, first.gcs_key) == (second.media_id, second.gcs_key)
        assert (row.store_id, row.kind, row.status) == (uploads.store_id, "delivery_proof", "pending")
        assert first.gcs_key == f"{uploads.store_id}/delivery_proof/{first.media_id}.png"
        assert first.signed_put_url

    @pytest.mark.parametrize("field", ["store_id", "user_id"])
    def test_knows_no_file_of_anybody_else(self, presign: Any, field: str) -> None:
        presign()

        with pytest.raises(Refused) as refused:
            presign(**{field: str(uuid.uuid4())})

        assert refused.value.code == "NOT_FOUND"

    def test_does_not_let_what_has_come_be_written_again(self, presign: Any, uploads: Uploads) -> None:
        upload = presign()
        uploads.record(upload)

        with pytest.raises(Refused) as refused:
            presign()

        assert (refused.value.reason, refused.value.metadata["state"]) == ("MEDIA_NOT_USABLE", "uploaded")

    def test_takes_images_only(self, presign: Any) -> None:
        with pytest.raises(Refused) as refused:
            presign(mime_type="application/pdf")

        assert [item.field for item in refused.value.violations] == ["mime_type"]

    def test_is_the_only_way_to_announce_a_proof(self, uploads: Uploads) -> None:
        with pytest.raises(Refused) as refused:
            uploads.presign(kind=Kind.delivery_proof, mime_type="image/png")

        assert [item.field for item in refused.value.violations] == ["media_kind"]
