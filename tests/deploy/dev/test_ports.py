"""Ports: moved by variables, and a taken one is named with what to do."""

from __future__ import annotations

import os
import socket

import pytest

from deploy.dev.ports import BadPort, Ports, PortsTaken


class TestFromEnvironment:
    def test_has_the_documented_defaults(self) -> None:
        ports = Ports.from_environment({})

        assert (ports.gateway, ports.postgres, ports.grpc["identity"], ports.metrics["analytics"]) == (
            8080,
            15432,
            9101,
            9208,
        )

    def test_offset_moves_all_but_what_is_set(self) -> None:
        variables = {"MARKETMESH_PORT_OFFSET": "1000", "MARKETMESH_PORT_GATEWAY": "80", "MARKETMESH_PORT_ADS": "7000"}

        ports = Ports.from_environment(variables)

        assert (ports.gateway, ports.mail, ports.grpc["ads"], ports.grpc["media"]) == (80, 19025, 7000, 10106)

    @pytest.mark.parametrize(
        ("variables", "words"),
        [
            ({"MARKETMESH_PORT_GATEWAY": "http"}, "MARKETMESH_PORT_GATEWAY='http' is not a whole number"),
            ({"MARKETMESH_PORT_MAIL": "70000"}, "MARKETMESH_PORT_MAIL would be 70000"),
            ({"MARKETMESH_PORT_GATEWY": "80"}, "MARKETMESH_PORT_GATEWY is not a port of this stack"),
            ({"MARKETMESH_PORT_MAIL": "8080"}, "8080 is given to both gateway and mail"),
        ],
    )
    def test_names_the_wrong_variable(self, variables: dict[str, str], words: str) -> None:
        with pytest.raises(BadPort, match=words):
            Ports.from_environment(variables)


class TestCheckFree:
    def test_names_port_holder_and_remedy(self) -> None:
        ports = Ports.free()
        with socket.create_server(("127.0.0.1", ports.gateway)), pytest.raises(PortsTaken) as refusal:
            ports.check_free()

        text = str(refusal.value)
        assert f"port {ports.gateway} for gateway is taken by process {os.getpid()}" in text
        assert "MARKETMESH_PORT_GATEWAY" in text
        assert len(text.splitlines()) == 1

    def test_looks_only_at_the_named_ones(self) -> None:
        ports = Ports.free()
        with socket.create_server(("127.0.0.1", ports.gateway)):
            ports.check_free(["mail", "smtp"])


class TestFree:
    def test_gives_distinct_free_ports(self) -> None:
        ports = Ports.free()

        named = ports.by_name()
        assert len(set(named.values())) == len(named) == 26
        ports.check_free()
