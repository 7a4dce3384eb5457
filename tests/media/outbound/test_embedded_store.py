"""The embedded object store refuses what Google's would, seen through the URLs that media signs."""

from __future__ import annotations

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.media.files.api.mapping import read_url
from tests.media.uploads import PDF, Uploads, object_store_of

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness

pytestmark = pytest.mark.usefixtures("bucket")


class TestPut:
    def test_is_taken_once(self, uploads: Uploads) -> None:
        upload = uploads.presign(size_bytes=1000)

        statuses = [uploads.put(upload), uploads.put(upload), uploads.put(upload, b"%PDF- another")]

        assert statuses == [200, 412, 412]
        stored = object_store_of().find(upload.gcs_key)
        assert stored
        assert stored.size_bytes == len(PDF)

    def test_is_taken_once_of_many_at_one_instant(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(lambda _: uploads.put(upload), range(8)))

        assert statuses == [200, *[412] * 7]

    @pytest.mark.parametrize("data", [PDF + b"!", b"", b"x" * 25_000_000], ids=["larger", "empty", "25 MB"])
    def test_is_refused_beyond_the_announced_size(self, uploads: Uploads, data: bytes) -> None:
        upload = uploads.presign()

        assert uploads.put(upload, data) == 400
        assert object_store_of().find(upload.gcs_key) is None

    @pytest.mark.parametrize(
        ("name", "value", "status"),
        [
            ("content-type", "text/html", 403),
            ("x-goog-content-length-range", "1,99999999", 403),
            ("x-goog-if-generation-match", "1", 403),
            ("x-goog-acl", "public-read", 400),
        ],
    )
    def test_with_other_headers_is_refused(self, uploads: Uploads, name: str, value: str, status: int) -> None:
        upload = uploads.presign()

        assert uploads.put(upload, **{name: value}) == status
        assert object_store_of().find(upload.gcs_key) is None

    @pytest.mark.parametrize("name", ["content-type", "x-goog-content-length-range", "x-goog-if-generation-match"])
    def test_without_a_signed_header_is_refused(self, uploads: Uploads, name: str) -> None:
        upload = uploads.presign()
        headers = {key: value for key, value in upload.headers.items() if key != name}

        # urllib sends a content type of its own when none is given.
        assert uploads.put_with(upload.signed_put_url, PDF, headers) in (400, 403)
        assert object_store_of().find(upload.gcs_key) is None


class TestUrl:
    def test_is_refused_when_it_was_changed(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        url = upload.signed_put_url
        changed = {
            "another object": url.replace("/license_doc/", "/coa/"),
            "a longer life": url.replace("X-Goog-Expires=1800", "X-Goog-Expires=9999"),
            "another signature": url[:-4] + "0000",
            "no signature": url.partition("?")[0],
            "twice": url + "&X-Goog-Expires=1800",
        }

        statuses = {name: uploads.put_with(it, PDF, dict(upload.headers)) for name, it in changed.items()}

        assert statuses == {
            "another object": 403, "a longer life": 403, "another signature": 403, "no signature": 403, "twice": 400,
        }  # fmt: skip

    def test_is_refused_after_its_time(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        expired = object_store_of(upload_lifetime=timedelta(seconds=-1))
        url = expired.upload_url(upload.gcs_key, headers=upload.headers)

        assert uploads.put_with(url, PDF, dict(upload.headers)) == 400

    def test_of_reading_is_not_one_of_writing(self, uploads: Uploads) -> None:
        url = read_url(object_store_of(), uploads.row(uploads.uploaded()))

        assert uploads.put_with(url, PDF, {}) == 403


class TestRead:
    def test_gives_the_contents_that_were_looked_at_or_nothing(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.put(upload)
        uploads.notify(upload)
        uploads.look()
        store = object_store_of()
        url = read_url(store, uploads.row(upload.media_id))

        first = _get(url)
        store.remove(upload.gcs_key)
        assert uploads.put(upload, b"%PDF- swapped") == 200
        swapped = _get(url)

        assert first == (200, PDF, "attachment")
        assert swapped[0] == 404

    def test_without_our_token_is_refused(self, mesh: MeshHarness, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.put(upload)
        base, name = mesh.stack.addresses.url("gcs"), upload.gcs_key.replace("/", "%2F")

        status, body, _ = _get(f"{base}/storage/v1/b/{object_store_of().bucket}/o/{name}?alt=media")

        assert status == 401
        assert PDF not in body


def _get(url: str) -> tuple[int, bytes, str | None]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return response.status, response.read(), response.headers["content-disposition"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), None
