"""Every URL that leaves media is signed for one object, one verb and a time; nothing else opens a file."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from deploy.cli.contracts import files
from marketmesh.media.v1 import media_internal_service_pb2
from marketmesh.media.v1 import media_service_pb2 as messages
from services.media.settings import MediaSettings
from tests.docs.reading import ROOT
from tests.media.signatures import StoreGate
from tests.media.uploads import Kind, Uploads, object_store_of
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from marketmesh.media.v1 import media_internal_service_pb2_grpc as internal_stubs
    from marketmesh.media.v1 import media_service_pb2_grpc as stubs

WAYS = ["presign", "list", "url", "mesh"]
PRIVATE = [Kind.license_doc, Kind.coa, Kind.manifest]
# Fields of contracts that hold an address, and who makes it.
URL_FIELDS = {
    "media.v1.Media.signed_url",
    "media.v1.PresignUploadResponse.signed_put_url",
    "media.v1.GetMediaUrlResponse.url",
    "media.v1.SignedReadUrl.url",
    "identity.v1.License.signed_url",
    "identity.v1.Store.logo_url",
    "identity.v1.PublicStore.logo_url",
    "catalog.v1.VendorSummary.logo_url",
    "catalog.v1.ProductSummary.thumbnail_url",
    "catalog.v1.ProductPicture.url",
    "catalog.v1.Product.coa_url",
    "fulfillment.v1.ProofUpload.signed_put_url",
    # The advertiser's own page.
    "ads.v1.Creative.destination_url",
}


@dataclass
class Given:
    """A URL as a client gets it, with what it is for."""

    url: str
    method: str
    headers: dict[str, str]
    lifetime: timedelta


@pytest.fixture
def gate(mesh: MeshHarness) -> StoreGate:
    assert mesh
    return StoreGate(json.loads(MediaSettings().signing_key_file.read_text()))


@pytest.fixture(params=WAYS)
def given(
    request: pytest.FixtureRequest,
    mesh: MeshHarness,
    media: stubs.MediaServiceStub,
    internal: internal_stubs.MediaInternalServiceStub,
    uploads: Uploads,
) -> Given:
    """Return a URL from each place that gives one out."""
    if request.param == "presign":
        upload = uploads.presign()
        return Given(upload.signed_put_url, "PUT", dict(upload.headers), timedelta(minutes=30))
    media_id, token = str(uploads.uploaded()), uploads.token()
    if request.param == "list":
        url = mesh.read(media.ListMedia, messages.ListMediaRequest(), token=token).items[0].signed_url
    elif request.param == "url":
        url = mesh.read(media.GetMediaUrl, messages.GetMediaUrlRequest(media_id=media_id), token=token).url
    else:
        signing = media_internal_service_pb2.SignReadUrlsRequest(media_ids=[media_id])
        url = mesh.read(internal.SignReadUrls, signing, token=mesh.service_token("identity")).urls[0].url
    return Given(url, "GET", {}, timedelta(hours=48))


class TestEveryUrl:
    def test_opens_its_object_until_it_expires(self, gate: StoreGate, given: Given) -> None:
        now = datetime.now(UTC)

        ages = [timedelta(0), given.lifetime - timedelta(minutes=1), given.lifetime + timedelta(seconds=1)]
        admitted = [gate.admits(given.url, method=given.method, at=now + age, headers=given.headers) for age in ages]

        assert admitted == [True, True, False]

    def test_opens_nothing_else(self, gate: StoreGate, given: Given) -> None:
        parts = urlsplit(given.url)
        other = parts._replace(path=parts.path.replace("/license_doc/", "/coa/")).geturl()
        longer = given.url.replace("X-Goog-Expires=", "X-Goog-Expires=9")
        unsigned = parts._replace(query="").geturl()
        verb = "PUT" if given.method == "GET" else "GET"
        now = datetime.now(UTC)

        refused = [
            gate.admits(url, method=method, at=now, headers=given.headers)
            for url, method in (
                (other, given.method), (longer, given.method), (unsigned, given.method), (given.url, verb),
            )
        ]  # fmt: skip

        assert refused == [False] * 4


class TestPrivateKinds:
    @pytest.mark.parametrize("kind", PRIVATE)
    def test_are_signed_like_every_other(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads, gate: StoreGate, kind: int
    ) -> None:
        media_id = uploads.uploaded(kind=kind)

        answer = mesh.read(
            media.GetMediaUrl, messages.GetMediaUrlRequest(media_id=str(media_id)), token=uploads.token()
        )

        assert gate.admits(answer.url, method="GET", at=datetime.now(UTC))
        assert not gate.admits(answer.url.partition("?")[0], method="GET", at=datetime.now(UTC))


class TestNothing:
    def test_is_public_in_a_bucket_we_make(self, mesh: MeshHarness) -> None:
        assert mesh
        policy = object_store_of().private_bucket().iam_configuration

        assert policy.public_access_prevention == "enforced"
        assert policy.uniform_bucket_level_access_enabled

    def test_in_the_code_makes_an_object_public(self) -> None:
        words = {"make_public", "predefined_acl", "public_url", "default_object_acl", "acl", "make_private"}
        used = [
            f"{path.relative_to(ROOT)}: {node.attr}"
            for path in sorted((ROOT / "services").rglob("*.py"))
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and node.attr in words
        ]

        assert used == []

    def test_else_in_the_contracts_holds_an_address(self) -> None:
        found = {
            field.full_name.removeprefix("marketmesh.")
            for file in files()
            for message in file.message_types_by_name.values()
            for field in message.fields
            if field.name == "url" or field.name.endswith("_url")
        }

        assert found == URL_FIELDS
