"""`marketmesh doctor` on a mesh of which a part hangs: it says which, and waits for nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.tools.running_mesh import RunningMesh
from tests.docs.reading import ROOT

pytestmark = pytest.mark.timeout(420)


class TestHungPart:
    @pytest.mark.parametrize(
        ("part", "said"),
        [
            ("catalog", "service catalog"),
            ("valkey", "redis"),
            ("pubsub", "topics"),
            ("postgres", "database identity"),
            ("gcs", "object store"),
            ("envoy", "gateway"),
            ("bigquery", "warehouse"),
        ],
    )
    def test_is_named_and_holds_nobody(self, mesh: RunningMesh, part: str, said: str) -> None:
        command = [sys.executable, "-m", "deploy.cli.main", "doctor"]
        with mesh.frozen(part):
            told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        mesh.wait_ready()

        sick = [line for line in told.stdout.splitlines() if line.startswith("MEND")]
        assert told.returncode == 1
        assert f"MEND  {said}" in {line.partition(" at ")[0] for line in sick}
        # Nobody else is blamed, but for those whose database it is, and the gateway, which is not ready without a service.
        blamed = {"catalog": (said, "gateway"), "postgres": ("",)}.get(part, (said,))
        assert [line for line in sick if not any(word in line for word in blamed)] == []
        assert "ok    python" in told.stdout
