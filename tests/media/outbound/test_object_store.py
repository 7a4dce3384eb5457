"""What the signed URLs say, and how the store's absence shows."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from meshkit.errors import DependencyUnavailable
from services.media.outbound.ports import StoredObject
from tests.media.uploads import PDF, Kind, Uploads, object_store_of

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness

KEY = "store/kind/id.pdf"


@pytest.mark.usefixtures("mesh")
class TestUploadUrl:
    def test_is_a_v4_url_that_dies_after_its_lifetime(self) -> None:
        query = _query(object_store_of().upload_url(KEY, content_type="application/pdf"))

        assert query["X-Goog-Algorithm"] == "GOOG4-RSA-SHA256"
        assert query["X-Goog-Expires"] == "1800"
        signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - signed_at) < timedelta(minutes=1)

    def test_binds_the_content_type_and_nothing_the_client_does_not_know(self) -> None:
        query = _query(object_store_of().upload_url(KEY, content_type="application/pdf"))

        assert query["X-Goog-SignedHeaders"] == "content-type;host"

    def test_signs_another_content_type_differently(self) -> None:
        store = object_store_of()

        pdf, png = (store.upload_url(KEY, content_type=mime) for mime in ("application/pdf", "image/png"))

        assert _query(pdf)["X-Goog-Signature"] != _query(png)["X-Goog-Signature"]

    def test_names_bucket_and_key_at_the_configured_address(self) -> None:
        parts = urlsplit(object_store_of(storage_url="http://store:1", bucket="b").upload_url(KEY, content_type="x/y"))

        assert (parts.netloc, parts.path) == ("store:1", f"/b/{KEY}")


@pytest.mark.usefixtures("mesh")
class TestReadUrl:
    def test_lives_for_48_hours(self) -> None:
        query = _query(object_store_of().read_url(KEY))

        assert query["X-Goog-Expires"] == str(48 * 3600)
        assert query["X-Goog-SignedHeaders"] == "host"


@pytest.mark.usefixtures("bucket")
class TestFind:
    def test_tells_size_and_content_type(self, uploads: Uploads) -> None:
        upload = uploads.presign(kind=Kind.pdf)
        uploads.put(upload)

        assert object_store_of().find(upload.gcs_key) == StoredObject(len(PDF), "application/pdf")

    def test_answers_none_for_what_is_not_there(self) -> None:
        assert object_store_of().find(f"nowhere/{uuid.uuid4()}") is None

    def test_answers_none_without_a_bucket(self) -> None:
        assert object_store_of(bucket="other").find(KEY) is None

    def test_says_that_the_store_is_away(self, mesh: MeshHarness) -> None:
        nobody = mesh.stack.addresses.url("bigquery_rest")

        with pytest.raises(DependencyUnavailable):
            object_store_of(storage_url=nobody, timeout_s=0.5).find(KEY)


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
