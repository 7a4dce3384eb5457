"""Mime types per kind, object names, and what makes an upload unusable."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmesh.media.v1 import media_internal_service_pb2, media_service_pb2
from services.media.files.domain.attachments import PROTECTED, AttachmentEntity
from services.media.files.domain.kinds import EXTENSIONS, MAX_BYTES, MIME_TYPES, MediaKind, object_key, upload_defect
from services.media.files.domain.status import MediaStatus
from services.media.schema import media, media_attachments
from tests.media.uploads import HEADS

IMAGES = {"image/png", "image/jpeg", "image/webp", "image/gif"}
VIDEOS = {"video/mp4", "video/webm"}
DOCUMENTS = {"application/pdf"}


class TestMimeTypes:
    @pytest.mark.parametrize(
        ("kinds", "expected"),
        [
            (("product", "ads"), IMAGES | VIDEOS),
            (("pdf", "coa", "manifest"), DOCUMENTS),
            (("license_doc",), DOCUMENTS | IMAGES),
            (("user", "store", "delivery_proof"), IMAGES),
            (("other",), IMAGES | VIDEOS | DOCUMENTS),
        ],
    )
    def test_follow_the_table_of_requirements(self, kinds: tuple[str, ...], expected: set[str]) -> None:
        assert [MIME_TYPES[MediaKind(kind)] for kind in kinds] == [expected] * len(kinds)


class TestObjectKey:
    @pytest.mark.parametrize("mime_type", sorted(EXTENSIONS))
    def test_is_store_kind_id_and_extension(self, mime_type: str) -> None:
        store_id, media_id = uuid.uuid4(), uuid.uuid4()

        key = object_key(store_id=store_id, kind=MediaKind.OTHER, media_id=media_id, mime_type=mime_type)

        assert key == f"{store_id}/other/{media_id}.{EXTENSIONS[mime_type]}"


class TestUploadDefect:
    @given(declared=st.integers(1, MAX_BYTES), actual=st.integers(0, 2 * MAX_BYTES))
    def test_refuses_exactly_what_is_larger_than_declared(self, declared: int, actual: int) -> None:
        defect = upload_defect(
            declared_mime="image/png",
            declared_bytes=declared,
            actual_mime="image/png",
            actual_bytes=actual,
            head=HEADS["image/png"],
        )

        assert bool(defect) == (actual > declared)

    def test_refuses_another_content_type(self) -> None:
        assert (
            upload_defect(
                declared_mime="image/png", declared_bytes=9, actual_mime="text/html", actual_bytes=9, head=b""
            )
            == "content type text/html instead of image/png"
        )

    @pytest.mark.parametrize("declared", sorted(EXTENSIONS))
    @pytest.mark.parametrize("head", [b"", b"<html>", b"\xef\xbb\xbf<!DOCTYPE", *HEADS.values()])
    def test_accepts_only_how_the_declared_type_begins(self, declared: str, head: bytes) -> None:
        defect = upload_defect(
            declared_mime=declared, declared_bytes=99, actual_mime=declared, actual_bytes=9, head=head
        )

        assert (defect == "") == (head == HEADS[declared])


class TestEnums:
    """Proto at the wire, StrEnum in code, CHECK in the table: one set of words."""

    def test_agree_with_the_contract(self) -> None:
        assert set(media_service_pb2.MediaKind.Value.keys()) == {"unspecified", *MediaKind}
        assert set(media_service_pb2.MediaStatus.Value.keys()) == {"unspecified", *MediaStatus}
        assert set(media_internal_service_pb2.AttachmentEntity.Value.keys()) == {"unspecified", *AttachmentEntity}

    def test_agree_with_the_tables(self) -> None:
        checks = {
            str(check.name): str(getattr(check, "sqltext", ""))
            for check in (*media.constraints, *media_attachments.constraints)
        }

        assert _words(checks["media_kind_check"]) == set(MediaKind)
        assert _words(checks["media_status_check"]) == set(MediaStatus)
        assert _words(checks["media_attachments_entity_type_check"]) == set(AttachmentEntity)
        assert _words(checks["media_attachments_is_protected_check"]) == set(PROTECTED)


def _words(check: str) -> set[str]:
    return {part.strip(" '") for part in check[check.rindex("(") + 1 : check.index(")")].split(",")}
