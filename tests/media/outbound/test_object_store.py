"""What the signed URLs say, and how the store's absence shows."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from meshkit.errors import DependencyUnavailable
from services.media.outbound.ports import StoredObject
from tests.media.uploads import PDF, Kind, Uploads, object_store_of

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness

KEY = "store/kind/id.pdf"
HEADERS = {
    "content-type": "application/pdf",
    "x-goog-content-length-range": "1,9",
    "x-goog-if-generation-match": "0",
}


@pytest.mark.usefixtures("mesh")
class TestUploadUrl:
    def test_is_a_v4_url_that_dies_after_its_lifetime(self) -> None:
        query = _query(object_store_of().upload_url(KEY, headers=HEADERS))

        assert query["X-Goog-Algorithm"] == "GOOG4-RSA-SHA256"
        assert query["X-Goog-Expires"] == "1800"
        signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - signed_at) < timedelta(minutes=1)

    def test_binds_type_and_size_and_that_nothing_is_there(self) -> None:
        query = _query(object_store_of().upload_url(KEY, headers=HEADERS))

        assert (
            query["X-Goog-SignedHeaders"] == "content-type;host;x-goog-content-length-range;x-goog-if-generation-match"
        )

    def test_signs_another_content_type_differently(self) -> None:
        store = object_store_of()

        pdf, png = (
            store.upload_url(KEY, headers={**HEADERS, "content-type": mime})
            for mime in ("application/pdf", "image/png")
        )

        assert _query(pdf)["X-Goog-Signature"] != _query(png)["X-Goog-Signature"]

    def test_names_bucket_and_key_at_the_configured_address(self) -> None:
        parts = urlsplit(object_store_of(storage_url="http://store:1", bucket="b").upload_url(KEY, headers=HEADERS))

        assert (parts.netloc, parts.path) == ("store:1", f"/b/{KEY}")


@pytest.mark.usefixtures("mesh")
class TestReadUrl:
    def test_lives_for_48_hours(self) -> None:
        query = _query(object_store_of().read_url(**_file()))

        assert query["X-Goog-Expires"] == str(48 * 3600)
        assert query["X-Goog-SignedHeaders"] == "host"

    def test_names_the_contents_that_were_looked_at(self) -> None:
        assert _query(object_store_of().read_url(**_file()))["generation"] == "7"
        assert "generation" not in _query(object_store_of().read_url(**_file(generation=None)))

    @pytest.mark.parametrize(
        ("mime_type", "shown"), [("image/png", None), ("application/pdf", "attachment"), ("video/mp4", "attachment")]
    )
    def test_has_everything_but_a_picture_downloaded(self, mime_type: str, shown: str | None) -> None:
        query = _query(object_store_of().read_url(**_file(mime_type=mime_type)))

        assert query.get("response-content-disposition") == shown


@pytest.mark.usefixtures("bucket")
class TestFind:
    def test_tells_size_and_content_type(self, uploads: Uploads) -> None:
        upload = uploads.presign(kind=Kind.pdf)
        uploads.put(upload)

        stored = object_store_of().find(upload.gcs_key)
        assert stored
        assert stored == StoredObject(len(PDF), "application/pdf", stored.generation, PDF[:16])
        assert stored.generation

    def test_answers_none_for_what_is_not_there(self) -> None:
        assert object_store_of().find(f"nowhere/{uuid.uuid4()}") is None

    def test_answers_none_without_a_bucket(self) -> None:
        assert object_store_of(bucket="other").find(KEY) is None

    def test_says_that_the_store_is_away(self, mesh: MeshHarness) -> None:
        nobody = mesh.stack.addresses.url("bigquery_rest")

        with pytest.raises(DependencyUnavailable):
            object_store_of(storage_url=nobody, timeout_s=0.5).find(KEY)


def _file(**changes: Any) -> dict[str, Any]:
    return {"key": KEY, "generation": 7, "mime_type": "image/png", **changes}


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
