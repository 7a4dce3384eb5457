"""Filing and listing licences through the whole chain, with the real media service."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketmesh.identity.v1 import admin_service_pb2, license_pb2, license_service_pb2
from meshkit.resume import FlowResumer
from services.identity.licenses.data import licenses as licenses_data
from services.identity.licenses.flows import create_license as flow
from tests.identity.people import People, Store
from tests.media.uploads import Kind
from tests.support.mesh_harness import MeshHarness, Refused


class TestCreateLicense:
    def test_files_a_pending_licence_with_its_document_attached(self, people: People) -> None:
        store = people.store()
        request = people.papers(store, number="DAAA-1234-" + uuid.uuid4().hex)

        filed = people.file(store, request)

        assert license_pb2.LicenseStatus.Value.Name(filed.status) == "pending"
        assert (filed.store_id, filed.media_id, filed.number) == (str(store.id), request.media_id, request.number)
        assert (filed.issuing_state, filed.issue_date, filed.expiration_date) == ("OK", "2026-01-01", "2027-01-01")
        (attached,) = people.attachments(store)
        assert (str(attached.media_id), attached.entity_type, str(attached.entity_id), attached.is_protected) == (
            request.media_id,
            "license",
            filed.id,
            True,
        )

    def test_tells_mesh_administrators_and_audit(self, people: People) -> None:
        store = people.store()

        filed = people.file(store, people.papers(store))

        assert people.events(filed.id) == ["license_created"]
        notices = people.inbox(None, link=f"/admin/licenses/{filed.id}")
        assert [(notice.type, notice.title) for notice in notices] == [("compliance", "Licence to verify")]
        (row,) = people.audited("license.create", filed.id)
        assert row.after == {"status": "pending", "number": filed.number, "state": "OK"}
        assert row.actor == f"user:{store.user_id}:{store.id}"

    def test_replays_the_same_bytes(self, mesh: MeshHarness, people: People) -> None:
        store, key = people.store(), uuid.uuid4().hex
        request = people.papers(store)
        first, _ = mesh.call(people.licenses.CreateLicense, request, token=store.token, key=key)

        second, headers = mesh.call(people.licenses.CreateLicense, request, token=store.token, key=key)

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert headers["x-idempotent-replay"] == "true"
        assert (len(people.license_rows(store)), len(people.attachments(store))) == (1, 1)

    def test_refuses_a_key_with_another_request(self, people: People) -> None:
        store, key = people.store(), uuid.uuid4().hex
        people.file(store, people.papers(store), key=key)

        with pytest.raises(Refused) as refused:
            people.file(store, people.papers(store), key=key)

        assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
        assert len(people.license_rows(store)) == 1

    def test_answers_a_foreign_document_as_a_missing_one(self, people: People) -> None:
        store, other = people.store(), people.store()
        foreign = str(people.uploads(other).uploaded())

        refusals = []
        for media_id in (foreign, str(uuid.uuid4())):
            with pytest.raises(Refused) as refused:
                people.file(store, people.papers(store, media_id=media_id))
            refusals.append(refused.value)

        assert {refusal.code for refusal in refusals} == {"NOT_FOUND"}
        assert refusals[0].status.SerializeToString() == refusals[1].status.SerializeToString()
        _left_nothing(people, store)
        assert people.attachments(other) == []

    @pytest.mark.parametrize(
        ("kind", "upload", "state"), [(Kind.product, True, "uploaded"), (Kind.license_doc, False, "pending")]
    )
    def test_refuses_a_document_that_cannot_be_used(
        self, people: People, *, kind: int, upload: bool, state: str
    ) -> None:
        store = people.store()
        files = people.uploads(store)
        mime_type = "image/png" if kind == Kind.product else "application/pdf"
        media_id = str(files.uploaded(kind=kind, mime_type=mime_type)) if upload else files.presign(kind=kind).media_id

        with pytest.raises(Refused) as refused:
            people.file(store, people.papers(store, media_id=media_id))

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "MEDIA_UNUSABLE")
        assert refused.value.metadata["state"] == state
        _left_nothing(people, store)

    def test_refuses_a_taken_number_without_touching_the_document(self, people: People) -> None:
        first, second = people.store(), people.store()
        number = people.file(first, people.papers(first)).number

        with pytest.raises(Refused) as refused:
            people.file(second, people.papers(second, number=number))

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "LICENSE_TAKEN")
        assert refused.value.metadata["field"] == "number"
        _left_nothing(people, second)

    @pytest.mark.parametrize(
        "spelling",
        [
            "c11-{}-lïc",
            "C11 - {} - LÏC",
            "C11-{}\u2003-LÏC",
            "C11\u2013{}\u2011LI\u0308C",
            "Ｃ11-{}-LÏC",
            "C11-{}\u200b-LÏC",
        ],
    )
    def test_refuses_a_taken_number_however_it_is_spelt(
        self, people: People, monkeypatch: pytest.MonkeyPatch, spelling: str
    ) -> None:
        first, second, digits = people.store(), people.store(), uuid.uuid4().hex
        people.file(first, people.papers(first, number=f"C11-{digits}-LÏC"))
        twin = spelling.format(digits)

        for holder_of_number in (licenses_data.holder_of_number, lambda *_, **__: None):
            monkeypatch.setattr(licenses_data, "holder_of_number", holder_of_number)
            with pytest.raises(Refused) as refused:
                people.file(second, people.papers(second, number=twin))
            assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "LICENSE_TAKEN")
        _left_nothing(people, second)

    def test_takes_a_number_with_its_dashes_elsewhere(self, people: People) -> None:
        store, digits = people.store(), uuid.uuid4().hex
        people.file(store, people.papers(store, number=f"1-23{digits}"))

        assert people.file(store, people.papers(store, number=f"12-3{digits}")).number == f"12-3{digits}"

    def test_takes_the_same_number_of_another_state(self, people: People) -> None:
        store = people.store()
        number = people.file(store, people.papers(store)).number

        filed = people.file(store, people.papers(store, number=number, issuing_state="CA"))

        assert (filed.number, filed.issuing_state) == (number, "CA")

    def test_detaches_the_document_when_the_number_is_taken_meanwhile(
        self, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = people.store(), people.store()
        number = people.file(first, people.papers(first)).number
        monkeypatch.setattr(licenses_data, "holder_of_number", lambda *_, **__: None)

        with pytest.raises(Refused) as refused:
            people.file(second, people.papers(second, number=number))

        assert refused.value.reason == "LICENSE_TAKEN"
        _left_nothing(people, second)

    def test_frees_the_key_of_a_refusal(self, people: People) -> None:
        store, key = people.store(), uuid.uuid4().hex
        upload = people.uploads(store).presign()
        request = people.papers(store, media_id=upload.media_id)
        with pytest.raises(Refused):
            people.file(store, request, key=key)
        people.uploads(store).record(upload)

        filed = people.file(store, request, key=key)

        assert [str(row.id) for row in people.license_rows(store)] == [filed.id]

    def test_asks_to_come_back_while_media_is_away(self, mesh: MeshHarness, people: People) -> None:
        store, key = people.store(), uuid.uuid4().hex
        request = people.papers(store)
        mesh.stop("media")
        try:
            with pytest.raises(Refused) as refused:
                people.file(store, request, key=key)
        finally:
            mesh.start("media")

        filed = _when_back(lambda: people.file(store, request, key=key))

        assert (refused.value.code, refused.value.metadata["dependency"]) == ("UNAVAILABLE", "media")
        assert refused.value.headers["retry-after"] == "1"
        assert [str(row.id) for row in people.license_rows(store)] == [filed.id]
        assert [str(row.entity_id) for row in people.attachments(store)] == [filed.id]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("issuing_state", "ok"),
            ("issue_date", "2026-02-30"),
            ("expiration_date", "soon"),
            ("number", ""),
            ("type", 0),
        ],
    )
    def test_names_a_bad_field(self, people: People, field: str, value: Any) -> None:
        store = people.store()

        with pytest.raises(Refused) as refused:
            people.file(store, people.papers(store, media_id=str(uuid.uuid4()), **{field: value}))

        assert refused.value.reason == "VALIDATION_ERROR"
        assert [item.field for item in refused.value.violations] == [field]
        assert people.license_rows(store) == []

    def test_needs_a_document(self, people: People) -> None:
        store = people.store()
        with pytest.raises(Refused) as refused:
            people.file(store, people.papers(store, media_id=""))

        assert [item.field for item in refused.value.violations] == ["media_id"]
        with pytest.raises(IntegrityError, match="media_id"):
            people.filed(store, media=None)
        assert people.license_rows(store) == []

    @pytest.mark.parametrize("role", ["admin", "viewer", "staff", "ops", "agent"])
    def test_needs_an_owner_or_manager(self, mesh: MeshHarness, people: People, role: str) -> None:
        store = people.store()
        request = people.papers(store, media_id=str(uuid.uuid4()))

        with pytest.raises(Refused) as refused:
            mesh.write(people.licenses.CreateLicense, request, token=mesh.store_token(store.id, role=role))

        assert refused.value.code == "PERMISSION_DENIED"
        assert people.license_rows(store) == []


class TestCrash:
    def test_is_completed_by_the_resume_job_under_the_same_id(
        self, mesh: MeshHarness, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, key, request = _crashed(people, monkeypatch)
        attached = [str(row.entity_id) for row in people.attachments(store)]
        rows_before = people.license_rows(store)
        resume(mesh)
        too_early = people.license_rows(store)
        mesh.clock.advance(timedelta(seconds=21))

        resume(mesh)
        replayed = people.file(store, request, key=key)

        assert (rows_before, too_early) == ([], [])
        assert [str(row.id) for row in people.license_rows(store)] == attached == [replayed.id]
        assert [str(row.entity_id) for row in people.attachments(store)] == attached
        assert people.events(replayed.id) == ["license_created"]
        (row,) = people.audited("license.create", replayed.id)
        assert row.actor == f"user:{store.user_id}:{store.id}"

    def test_lets_the_caller_take_it_up_after_the_lease(
        self, mesh: MeshHarness, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, key, request = _crashed(people, monkeypatch)
        with pytest.raises(Refused) as early:
            people.file(store, request, key=key)
        mesh.clock.advance(timedelta(seconds=21))

        filed = people.file(store, request, key=key)

        assert early.value.reason == "IDEMPOTENCY_IN_PROGRESS"
        assert [str(row.entity_id) for row in people.attachments(store)] == [filed.id]
        assert len(people.license_rows(store)) == 1

    def test_leaves_no_document_attached_when_the_number_was_taken_meanwhile(
        self, mesh: MeshHarness, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, key, request = _crashed(people, monkeypatch)
        other = people.store()
        people.file(other, people.papers(other, number=request.number))
        mesh.clock.advance(timedelta(seconds=21))

        resume(mesh)

        _left_nothing(people, store)
        with pytest.raises(Refused) as refused:
            people.file(store, request, key=key)
        assert refused.value.reason == "LICENSE_TAKEN"


class TestListLicenses:
    def test_pages_through_all_of_a_store_newest_first(self, mesh: MeshHarness, people: People) -> None:
        store, other = people.store(), people.store()
        now = mesh.clock.now()
        # Five at a time share an instant, so that the id must break ties.
        ids = {people.filed(store, created_at=now - timedelta(minutes=number // 5)).id for number in range(120)}
        people.filed(other)

        pages = _pages(mesh, people, store)

        listed = [item for page in pages for item in page]
        assert [len(page) for page in pages] == [25, 25, 25, 25, 20]
        assert len(listed) == 120
        assert {item.id for item in listed} == ids
        times = [item.created_at.ToDatetime() for item in listed]
        assert times == sorted(times, reverse=True)

    def test_shows_a_store_its_own_only(self, mesh: MeshHarness, people: People) -> None:
        mine, other = people.store(), people.store()
        people.filed(other)

        assert _pages(mesh, people, mine) == [[]]


class TestDocumentUrls:
    def test_are_there_for_uploaded_documents_only(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        good, spoilt = (people.file(store, people.papers(store, issuing_state="VT")) for _ in range(2))
        with mesh.transaction("media") as tx:
            tx.execute(text("UPDATE media SET status = 'failed' WHERE id = CAST(:id AS uuid)"), {"id": spoilt.media_id})

        (page,) = _pages(mesh, people, store)
        queue = mesh.read(
            people.admin.ListPendingLicenses,
            admin_service_pb2.ListPendingLicensesRequest(limit=100, state="VT"),
            token=people.admin_token,
        )

        (key,) = [row.gcs_key for row in people.attachments(store) if str(row.media_id) == good.media_id]
        urls = {item.id: item.signed_url for item in page}
        queued = {item.license.id: item.license.signed_url for item in queue.items}
        for found in (urls, queued):
            assert f"/{key}?" in found[good.id]
            assert "X-Goog-Expires=172800" in found[good.id]
            assert found[spoilt.id] == ""
        assert good.signed_url == ""

    def test_are_left_out_while_media_is_away(self, mesh: MeshHarness, people: People) -> None:
        store = people.store()
        filed = people.file(store, people.papers(store))
        mesh.stop("media")
        try:
            (page,) = _pages(mesh, people, store)
        finally:
            mesh.start("media")

        assert [(item.id, item.signed_url) for item in page] == [(filed.id, "")]


def resume(mesh: MeshHarness) -> None:
    """Run the resume job once."""
    process = mesh.process("identity")
    servicers = {path: method for item in process.wiring.servicers for path, method in item.methods().items()}
    FlowResumer(process.unit_of_work, process.policies, servicers).resume_all(process.transactions)


def _crashed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> tuple[Store, str, license_service_pb2.CreateLicenseRequest]:
    """File a licence in a process that dies between attaching and filing."""
    store, key = people.store(), uuid.uuid4().hex
    request = people.papers(store)

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(flow, "file_license", die)
        with pytest.raises(Refused) as refused:
            people.file(store, request, key=key)
    assert refused.value.code == "INTERNAL"
    return store, key, request


def _left_nothing(people: People, store: Store) -> None:
    assert people.license_rows(store) == []
    assert people.attachments(store) == []


def _when_back(call: Any) -> Any:
    """Call until the channel has connected again."""
    deadline = time.monotonic() + 8
    while True:
        try:
            return call()
        except Refused as refused:
            if refused.code != "UNAVAILABLE" or time.monotonic() > deadline:
                raise


def _pages(mesh: MeshHarness, people: People, store: Store) -> list[list[license_pb2.License]]:
    pages, cursor = [], ""
    while True:
        request = license_service_pb2.ListLicensesRequest(cursor=cursor)
        answer = mesh.read(people.licenses.ListLicenses, request, token=store.token)
        pages.append(list(answer.items))
        cursor = answer.next_cursor
        if not cursor:
            return pages
