"""A filing that its caller gave up leaves no document attached, whatever fails on the way."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from marketmesh.identity.v1 import license_service_pb2
from meshkit import crash, idempotency
from meshkit.chassis_jobs import chassis_jobs
from meshkit.errors import DependencyUnavailable
from meshkit.given_up import GIVEN_UP_AFTER, GivenUpFlows
from meshkit.jobs import JobRunner
from meshkit.settings import RetentionSettings
from services.identity.licenses.flows import create_license as flow
from services.identity.licenses.jobs.undo_given_up_licenses import given_up_licenses
from services.identity.outbound.media_client import MediaClient
from tests.identity.licenses.api.test_license_servicer import resume
from tests.identity.people import People, Store
from tests.support.mesh_harness import MeshHarness, Refused

HOUR = GIVEN_UP_AFTER + timedelta(seconds=1)
DAY = timedelta(hours=24)


class Filing:
    """A call of CreateLicense with its key, and what is left of it."""

    def __init__(self, mesh: MeshHarness, people: People) -> None:
        self.mesh, self.people = mesh, people
        self.store: Store = people.store()
        self.request: license_service_pb2.CreateLicenseRequest = people.papers(self.store)
        self.key = uuid.uuid4().hex

    def call(self) -> str:
        """Call; returns the licence's id. The token is fresh: hours may have passed."""
        token = self.mesh.store_token(self.store.id, user_id=self.store.user_id)
        answer, _ = self.mesh.call(self.people.licenses.CreateLicense, self.request, token=token, key=self.key)
        return str(answer.id)

    @property
    def attached_to(self) -> list[str]:
        return [str(row.entity_id) for row in self.people.attachments(self.store)]

    @property
    def filed(self) -> list[str]:
        return [str(row.id) for row in self.people.license_rows(self.store)]

    @property
    def remembered(self) -> int:
        return len(self.mesh.rows("identity", "SELECT 1 FROM idempotency_keys WHERE key = :key", key=self.key))


@pytest.fixture
def sweep(mesh: MeshHarness, people: People) -> GivenUpFlows:
    documents = mesh.process("identity").wiring.servicers[2].implementation.documents
    assert people
    return given_up_licenses(mesh.process("identity").transactions, documents)


@pytest.fixture
def released(mesh: MeshHarness, people: People, monkeypatch: pytest.MonkeyPatch) -> Filing:
    """Return a filing whose attachment was made and whose caller was told 503."""
    filing, attach = Filing(mesh, people), MediaClient.attach_license_document

    def lose_the_answer(*args: Any, **kwargs: Any) -> None:
        attach(*args, **kwargs)
        raise DependencyUnavailable("The media service does not answer.", dependency="media")

    with monkeypatch.context() as patch:
        patch.setattr(MediaClient, "attach_license_document", lose_the_answer)
        with pytest.raises(Refused) as refused:
            filing.call()
    assert refused.value.code == "UNAVAILABLE"
    assert (len(filing.attached_to), filing.filed) == (1, [])
    return filing


def die(*_: Any, **__: Any) -> None:
    raise RuntimeError("killed")


class TestReleased:
    def test_stays_the_callers_for_an_hour(self, mesh: MeshHarness, released: Filing, sweep: GivenUpFlows) -> None:
        attached = released.attached_to
        mesh.clock.advance(GIVEN_UP_AFTER - timedelta(minutes=1))

        sweep.undo_all()
        resume(mesh)

        assert (released.attached_to, released.filed) == (attached, [])
        assert [released.call()] == released.filed == attached

    def test_is_undone_after_an_hour_and_its_key_is_free(
        self, mesh: MeshHarness, released: Filing, sweep: GivenUpFlows
    ) -> None:
        (before,) = released.attached_to
        mesh.clock.advance(HOUR)

        sweep.undo_all()

        assert (released.attached_to, released.filed, released.remembered) == ([], [], 0)
        assert [released.call()] == released.filed == released.attached_to != [before]

    def test_may_die_at_each_step_of_its_undoing(
        self,
        mesh: MeshHarness,
        released: Filing,
        sweep: GivenUpFlows,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        record = tmp_path / "trap.offered"
        record.touch()
        monkeypatch.setattr(crash, "_trap", None)
        crash.arm(service="identity", file=tmp_path / "trap")
        mesh.clock.advance(HOUR)

        sweep.undo_all()

        assert [line for line in record.read_text().splitlines() if "undo-" in line] == [
            "identity undo-CreateLicense call ReconcileAttachments.answered",
            "identity undo-CreateLicense tx1.committing",
            "identity undo-CreateLicense tx1.committed",
        ]

    def test_is_nobody_elses_while_media_is_away(
        self, mesh: MeshHarness, released: Filing, sweep: GivenUpFlows
    ) -> None:
        mesh.clock.advance(HOUR)
        mesh.stop("media")
        try:
            with pytest.raises(DependencyUnavailable):
                sweep.undo_all()
        finally:
            mesh.start("media")
        with pytest.raises(Refused) as refused:
            released.call()
        mesh.clock.advance(timedelta(minutes=10))
        resume(mesh)
        untouched = (len(released.attached_to), released.filed)

        undo_when_back(sweep)

        assert refused.value.reason == "IDEMPOTENCY_IN_PROGRESS"
        assert untouched == (1, [])
        assert (released.attached_to, released.filed, released.remembered) == ([], [], 0)

    @pytest.mark.parametrize("step", ["take_given_up", "forget_given_up"])
    def test_is_undone_by_the_next_run_when_one_dies(
        self, mesh: MeshHarness, released: Filing, sweep: GivenUpFlows, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        mesh.clock.advance(HOUR)
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, step, die)
            with pytest.raises(RuntimeError):
                sweep.undo_all()
        remembered = released.remembered

        sweep.undo_all()

        assert remembered == 1
        assert (released.attached_to, released.filed, released.remembered) == ([], [], 0)

    def test_is_undone_before_its_key_is_forgotten(
        self, mesh: MeshHarness, released: Filing, sweep: GivenUpFlows
    ) -> None:
        transactions = mesh.process("identity").transactions
        mesh.clock.advance(DAY - timedelta(minutes=1))
        JobRunner(chassis_jobs(RetentionSettings()), transactions).run_due()

        sweep.undo_all()

        assert (released.attached_to, released.filed) == ([], [])


class TestAbandoned:
    def test_is_the_resume_jobs_until_its_key_ends_soon(
        self, mesh: MeshHarness, people: People, sweep: GivenUpFlows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filing = Filing(mesh, people)
        with monkeypatch.context() as patch:
            patch.setattr(flow, "file_license", die)
            with pytest.raises(Refused):
                filing.call()
            mesh.clock.advance(HOUR)
            sweep.undo_all()
            attached = filing.attached_to
            mesh.clock.advance(DAY - HOUR - timedelta(hours=1))
            sweep.undo_all()

        assert len(attached) == 1
        assert (filing.attached_to, filing.filed, filing.remembered) == ([], [], 0)


class TestAnswered:
    def test_keeps_its_document_for_good(self, mesh: MeshHarness, people: People, sweep: GivenUpFlows) -> None:
        filing = Filing(mesh, people)
        license_id = filing.call()

        for hours in (2, 21, 2):
            mesh.clock.advance(timedelta(hours=hours))
            sweep.undo_all()

        assert filing.filed == filing.attached_to == [license_id]


def undo_when_back(sweep: GivenUpFlows) -> None:
    """Sweep until the channel to media has connected again."""
    for _ in range(50):
        try:
            sweep.undo_all()
        except DependencyUnavailable:
            continue
        return
    raise AssertionError("media did not come back")
