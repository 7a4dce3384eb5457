"""Headers: what is taken from callers, what services see, what callers get back."""

from __future__ import annotations

import re

import pytest

from tests.gateway.envoy_process import EnvoyProcess
from tests.gateway.grpc_caller import call_grpc_web

_ECHO = "/api/v1/probe/echo"
_FORGED = {
    "x-mesh-subject": "evil",
    "x-mesh-client-ip": "6.6.6.6",
    "x-user-id": "evil",
    "x-store-id": "evil",
    "x-tenant-id": "evil",
    "x-jwt-payload": "evil",
    "x-forwarded-for": "6.6.6.6",
    "x-real-ip": "6.6.6.6",
    "x-envoy-original-path": "/evil",
    "x-envoy-upstream-rq-timeout-ms": "1",
}
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_ORIGIN = "http://localhost:5173"


class TestForgedHeaders:
    def _assert_clean(self, seen: dict[str, str]) -> None:
        assert not [value for value in seen.values() if "evil" in value or "6.6.6.6" in value], seen
        assert seen["x-mesh-client-ip"] == "127.0.0.1"
        assert {name for name in seen if name.startswith("x-mesh-")} == {"x-mesh-client-ip"}

    def test_do_not_reach_a_service_through_rest(self, envoy):
        self._assert_clean(envoy.call("POST", _ECHO, body={}, headers=_FORGED).json["metadata"])

    def test_do_not_reach_a_service_through_a_guarded_route(self, envoy, mint):
        headers = {**_FORGED, **mint.bearer()}

        self._assert_clean(envoy.call("GET", "/api/v1/probe/items/1", headers=headers).json["metadata"])

    def test_do_not_reach_a_service_through_grpc(self, caller):
        self._assert_clean(dict(caller.call("ProbeService/Echo", metadata=_FORGED).metadata))

    def test_do_not_reach_a_service_through_grpc_web(self, envoy, contracts):
        _, message, _ = call_grpc_web(envoy, "ProbeService/Echo", b"", **_FORGED)

        reply = contracts.message("marketmesh.probe.v1.EchoResponse").FromString(message)
        self._assert_clean(dict(reply.metadata))

    @pytest.mark.parametrize("name", ["X-User-Id", "X-MESH-Subject", "x_user_id"])
    def test_are_recognised_in_any_spelling(self, envoy, name):
        seen = envoy.call("POST", _ECHO, body={}, headers={name: "evil"}).json["metadata"]

        assert "evil" not in seen.values()


class TestClientAddress:
    def test_is_the_one_the_trusted_proxy_saw(self, contracts, mesh, tmp_path):
        probe = f"127.0.0.1:{mesh.workers['first'].port}"
        behind = EnvoyProcess(
            folder=tmp_path, descriptor_path=contracts.descriptor_path, addresses={"probe": probe}, trusted_hops=1
        )
        try:
            behind.wait_for_hosts("probe", 1)
            reply = behind.call("POST", _ECHO, body={}, headers={"x-forwarded-for": "6.6.6.6, 9.9.9.9"})
        finally:
            behind.stop()

        assert reply.json["metadata"]["x-mesh-client-ip"] == "9.9.9.9"


class TestRequestId:
    @pytest.mark.parametrize("given", ["a", "order-1.retry_2", "Z" * 128])
    def test_is_taken_from_the_caller_when_well_formed(self, envoy, given):
        reply = envoy.call("POST", _ECHO, body={}, headers={"x-request-id": given})

        assert reply.headers["x-request-id"] == given
        assert reply.json["metadata"]["x-request-id"] == given

    @pytest.mark.parametrize("given", ["", "a b", "a/b", "a\tb", "Z" * 129, "${jndi}"])
    def test_is_generated_otherwise(self, envoy, given):
        reply = envoy.call("POST", _ECHO, body={}, headers={"x-request-id": given})

        assert _UUID.match(reply.headers["x-request-id"])
        assert reply.json["metadata"]["x-request-id"] == reply.headers["x-request-id"]

    def test_is_echoed_on_refusals(self, envoy):
        assert envoy.call("GET", "/nowhere", headers={"x-request-id": "lost-1"}).headers["x-request-id"] == "lost-1"

    def test_reaches_services_called_by_grpc(self, caller):
        reply = caller.call("ProbeService/Echo", metadata={"x-request-id": "by-grpc"})

        assert reply.metadata["x-request-id"] == "by-grpc"


class TestPassedOn:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("tracestate", "vendor=1"),
            ("idempotency-key", "key-1"),
        ],
    )
    def test_reaches_the_service(self, envoy, name, value):
        seen = envoy.call("POST", _ECHO, body={}, headers={name: value}).json["metadata"]

        assert seen[name] == value

    def test_gives_the_service_a_deadline(self, envoy):
        assert float(envoy.call("POST", _ECHO, body={}).json["metadata"]["deadline"]) <= 0.6

    def test_lets_the_caller_shorten_the_deadline_only(self, envoy):
        longer, shorter = (
            envoy.call("POST", _ECHO, body={}, headers={"grpc-timeout": value}).json["metadata"]["deadline"]
            for value in ("90S", "200m")
        )

        assert float(longer) <= 0.6
        assert float(shorter) <= 0.2

    @pytest.mark.parametrize("name", ["x-access-token", "x-refresh-token", "x-idempotent-replay", "etag"])
    def test_reaches_the_caller(self, envoy, name):
        reply = envoy.call("POST", "/api/v1/probe/behave", body={"headers": {name: "v1"}})

        assert reply.headers[name] == "v1"


class TestCaching:
    def test_of_answers_is_forbidden(self, envoy, mint):
        replies = [
            envoy.call("GET", "/api/v1/probe/items/1", headers=mint.bearer()),
            envoy.call("POST", "/api/v1/probe/sign-in", body={}),
            envoy.call("POST", "/api/v1/probe/behave", body={"code": 9}),
            envoy.call("GET", "/api/v1/probe/items/1"),
            envoy.call("GET", "/api/v1/probe/search?text=1&text=2"),
            envoy.call("GET", "/api/v1/nowhere"),
            envoy.call("GET", "/health/live"),
        ]

        assert {reply.headers.get("cache-control") for reply in replies} == {"no-store"}

    def test_is_up_to_a_service_that_says_so(self, envoy):
        reply = envoy.call("POST", "/api/v1/probe/behave", body={"headers": {"cache-control": "private, max-age=5"}})

        assert reply.headers["cache-control"] == "private, max-age=5"

    def test_of_what_is_the_same_for_everybody_is_allowed(self, envoy):
        keys, page = envoy.call("GET", "/.well-known/jwks.json"), envoy.call("GET", "/openapi.json")

        assert (keys.headers["cache-control"], page.headers["cache-control"]) == ("public, max-age=60", "no-cache")


class TestCors:
    def test_answers_the_preflight_of_a_known_origin(self, envoy):
        asked = {"origin": _ORIGIN, "access-control-request-method": "POST"}

        reply = envoy.call("OPTIONS", "/v1/probe/echo", headers=asked)

        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == _ORIGIN
        assert reply.headers["access-control-max-age"] == "300"
        allowed = set(reply.headers["access-control-allow-headers"].split(", "))
        assert allowed >= {"authorization", "content-type", "idempotency-key", "x-request-id", "x-grpc-web"}

    def test_exposes_the_headers_the_product_uses(self, envoy):
        reply = envoy.call("POST", _ECHO, body={}, headers={"origin": _ORIGIN})

        exposed = set(reply.headers["access-control-expose-headers"].split(", "))
        wanted = {"x-access-token", "x-refresh-token", "x-request-id", "x-idempotent-replay", "retry-after"}
        assert exposed >= wanted

    def test_lets_browsers_read_refusals(self, envoy):
        reply = envoy.call("GET", "/api/v1/probe/items/1", headers={"origin": _ORIGIN})

        assert (reply.status, reply.headers["access-control-allow-origin"]) == (401, _ORIGIN)

    def test_gives_a_strange_origin_nothing(self, envoy):
        asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}

        reply = envoy.call("OPTIONS", _ECHO, headers=asked)

        assert "access-control-allow-origin" not in reply.headers
