"""One running mesh for all end-to-end tests, and one market in it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from deploy.tools.running_mesh import RunningMesh, running_mesh
from tests.e2e.market import Market


@pytest.fixture(scope="package")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("mesh")
    with running_mesh(folder) as running:
        yield running
    assert not _left_over(str(folder)), "Ctrl-C left processes behind"


def _left_over(folder: str) -> list[str]:
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return [line for line in lines if folder in line]


@pytest.fixture(scope="package")
def market(mesh: RunningMesh) -> Market:
    return Market(mesh)
