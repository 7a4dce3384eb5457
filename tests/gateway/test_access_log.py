"""One JSON line per request, enough to say who asked what and who failed."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.gateway.envoy_process import EnvoyProcess, wait_until


def _line(envoy: EnvoyProcess, request_id: str) -> dict:
    def lines() -> list[dict]:
        parsed = (json.loads(line) for line in envoy.access_log.read_text().splitlines() if line.endswith("}"))
        return [line for line in parsed if line["request_id"] == request_id]

    wait_until(lambda: bool(lines()))
    return lines()[0]


class TestAccessLog:
    def test_tells_who_called_what_and_where_it_went(self, envoy, mint):
        request_id = uuid.uuid4().hex

        envoy.call("GET", "/v1/probe/items/7", headers={"x-request-id": request_id, **mint.bearer(sub="user-9")})

        line = _line(envoy, request_id)
        wanted = {
            "method": "GET",
            "path": "/v1/probe/items/7",
            "grpc_path": "/marketmesh.probe.v1.ProbeService/GetItem",
            "status": 200,
            "grpc_status": "OK",
            "flags": "-",
            "details": "via_upstream",
            "upstream_cluster": "probe",
            "sub": "user-9",
            "client_ip": "127.0.0.1",
        }
        assert {name: line[name] for name in wanted} == wanted
        assert line["duration_ms"] >= 0

    def test_tells_why_a_request_was_refused(self, envoy):
        request_id = uuid.uuid4().hex

        envoy.call("GET", "/api/v1/probe/items/7", headers={"x-request-id": request_id})

        line = _line(envoy, request_id)
        assert (line["status"], line["grpc_status"], line["sub"]) == (401, "Unauthenticated", None)
        assert line["details"] == "jwt_authn_access_denied{Jwt_is_missing}"

    def test_tells_the_grpc_status_of_a_transcoded_error(self, envoy):
        request_id = uuid.uuid4().hex

        envoy.call("POST", "/api/v1/probe/behave", body={"code": 9}, headers={"x-request-id": request_id})

        line = _line(envoy, request_id)
        assert (line["status"], line["grpc_status"]) == (409, "FailedPrecondition")

    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("GET", "/api/v1/probe/search"), ("GET", "/api/v1/probe/items/7"), ("GET", "/api/v1/nowhere"), ("GET", "/docs"),
            ("POST", "/api/v1/probe/echo"), ("GET", "/health/live"), ("GET", "/health/ready"), ("PUT", "/api/v1/probe/echo"),
            ("POST", "/marketmesh.probe.v1.ProbeService/Echo"), ("OPTIONS", "/api/v1/probe/echo"), ("GET", "/"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "query", ["access_token={}", "amount_cents={}", "text=%FF{}", "{}", "text={}&text={}", "color={}"]
    )
    def test_holds_no_query_of_what_was_refused_or_answered_early(self, envoy, mint, verb, path, query):
        request_id, token = uuid.uuid4().hex, mint.token()

        envoy.call(verb, f"{path}?{query.format(token, token)}", headers={"x-request-id": request_id})

        assert token not in json.dumps(_line(envoy, request_id))

    def test_holds_no_query_strings_and_no_tokens(self, envoy, mint):
        request_id, headers = uuid.uuid4().hex, mint.bearer()

        envoy.call("GET", "/api/v1/probe/search?text=private", headers={"x-request-id": request_id, **headers})

        line = json.dumps(_line(envoy, request_id))
        assert "private" not in line
        assert headers["authorization"].split()[1] not in line
