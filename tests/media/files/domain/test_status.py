"""The life of a file: all pairs of states."""

from __future__ import annotations

import itertools

import pytest

from meshkit.errors import StateConflict
from services.media.files.domain.status import TRANSITIONS, USABLE, MediaStatus, move

ALLOWED = {
    ("pending", "uploaded"),
    ("pending", "failed"),
    ("uploaded", "processing"),
    ("uploaded", "delete_requested"),
    ("processing", "ready"),
    ("processing", "failed"),
    ("ready", "delete_requested"),
    ("failed", "delete_requested"),
    ("delete_requested", "deleted"),
    ("delete_requested", "delete_failed"),
    ("delete_failed", "delete_requested"),
}


class TestMove:
    @pytest.mark.parametrize(("current", "target"), list(itertools.product(MediaStatus, repeat=2)))
    def test_allows_exactly_the_declared_pairs(self, current: MediaStatus, target: MediaStatus) -> None:
        if (current.value, target.value) in ALLOWED:
            assert move(current, target) is target
        else:
            with pytest.raises(StateConflict):
                move(current, target)

    def test_knows_every_state(self) -> None:
        assert set(TRANSITIONS) == set(MediaStatus)

    def test_never_reads_what_is_pending_failed_or_deleted(self) -> None:
        assert {"uploaded", "processing", "ready"} == USABLE
