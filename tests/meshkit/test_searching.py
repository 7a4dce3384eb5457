"""What is typed finds what is stored, however the two are spelt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.db.searching import contains

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness

_SQL = f"SELECT {contains(':stored', ':typed')} AS found"


@pytest.mark.parametrize(
    ("stored", "typed", "found"),
    [
        ("Müller", "MÜLLER", True),
        ("Mu\u0308ller", "m\u00fcller", True),
        ("m\u00fcller", "MU\u0308LLER", True),
        ("Green\u00a0\u2003Leaf", "green leaf", True),
        ("Green Leaf", "GREEN\u3000LEAF", True),
        ("Green\u200bLeaf", "greenleaf", True),
        ("Ｌｅａｆ", "leaf", True),
        ("Οδος", "ΟΔΟΣ", True),
        ("100% Bud_Bar\\", "0% bud_bar\\", True),
        ("Greenleaf", "green leaf", False),
        ("Bud Bar", "bud_bar", False),
        ("", "x", False),
    ],
)
def test_finds(mesh: MeshHarness, stored: str, typed: str, found: bool) -> None:
    with mesh.transaction("ads") as tx:
        assert tx.execute(text(_SQL), {"stored": stored, "typed": typed}).scalar_one() is found
