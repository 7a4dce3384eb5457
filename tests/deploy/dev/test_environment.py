"""What processes of a stack are told is of that stack, whatever the shell was told before."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.dev import environment, keys
from deploy.dev.environment import Addresses
from deploy.dev.ports import SERVICES, Ports
from deploy.dev.state import State


class TestCommandLine:
    def test_names_the_databases_of_its_own_stack(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        names = [f"{service}_{kind}" for service in SERVICES for kind in ("app", "owner")]
        addresses = Addresses(ports=Ports(), passwords=dict.fromkeys([*names, keys.SUPERUSER, keys.REDIS_USER], "x"))
        for service in SERVICES:
            monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", "postgresql+psycopg://of.another/stack")

        told = environment.command_line(
            addresses=addresses, key_files=keys.ensure_key_files(State(tmp_path)), demo_logins=tmp_path / "logins"
        )

        assert {told[f"{service.upper()}_DATABASE_URL"] for service in SERVICES} == {
            addresses.database_url(service) for service in SERVICES
        }
