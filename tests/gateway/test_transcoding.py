"""REST, gRPC and gRPC-Web lead to the same RPC; bytes and words survive."""

from __future__ import annotations

import hashlib

import pytest

from tests.gateway.grpc_caller import call_grpc_web


class TestPaths:
    @pytest.mark.parametrize(
        "path", ["/api/v1/probe/search", "/v1/probe/search", "/api/v1/ads/click", "/v1/ads/click", "/ads/click"]
    )
    def test_are_accepted_in_every_spelling_with_their_query(self, envoy, path):
        reply = envoy.call("GET", f"{path}?text=a%20%2F%3F&amount_cents=5&color=dark_red")

        assert reply.status == 200
        request = reply.json["request"]
        assert (request["text"], request["amount_cents"], request["color"]) == ("a /?", "5", "dark_red")

    @pytest.mark.parametrize("path", ["/api/v1/admin/probe/7", "/api/admin/v1/probe/7", "/v1/admin/probe/7"])
    def test_of_administrators_are_accepted_in_every_spelling(self, envoy, mint, path):
        assert envoy.call("GET", path, headers=mint.bearer(audience="marketmesh.admin")).status == 200

    @pytest.mark.parametrize("path", ["/api/admin/v1/probe/7", "/v1/probe/items/7"])
    def test_are_guarded_in_every_spelling(self, envoy, path):
        assert envoy.call("GET", path).status == 401

    @pytest.mark.parametrize("path", ["/ads/clicks", "/ads/click/x", "/v2/probe/search", "/api/v1x/probe/search"])
    def test_that_only_look_alike_are_unknown(self, envoy, path):
        assert envoy.call("GET", path).status == 404


class TestJson:
    def test_prints_defaults_words_and_long_numbers_as_strings(self, envoy):
        reply = envoy.call("POST", "/api/v1/probe/echo", body={"amount_cents": 9007199254740993, "color": "dark_red"})

        assert reply.json["request"] == {
            "text": "", "amount_cents": "9007199254740993", "color": "dark_red", "items": [],
        }  # fmt: skip
        assert reply.json["amount_cents"] == "0"

    def test_passes_answers_larger_than_the_connection_buffer(self, envoy):
        body = b'{"items":[' + b"{}," * 80_000 + b"{}]}"

        reply = envoy.call("POST", "/api/v1/probe/echo", body=body, headers={"content-type": "application/json"})

        assert (reply.status, len(reply.json["request"]["items"])) == (200, 80_001)
        assert len(reply.body) > 1024 * 1024

    def test_accepts_a_body_without_content(self, envoy):
        assert envoy.call("POST", "/api/v1/probe/echo", body=b"").status == 200


class TestRawBody:
    def test_reaches_the_service_byte_for_byte(self, envoy):
        body = bytes(range(256)) * 40 + b'{"a" : 1}\r\n'
        headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": "t=1,v1=abc"}

        reply = envoy.call("POST", "/api/v1/webhooks/probe", body=body, headers=headers)

        assert reply.json == {
            "sha256": hashlib.sha256(body).hexdigest(),
            "content_type": "application/json; charset=utf-8",
            "signature": "t=1,v1=abc",
        }


class TestGrpc:
    def test_reaches_the_service(self, caller):
        reply = caller.call("ProbeService/Echo", text="natively", amount_cents=5)

        assert (reply.request.text, reply.request.amount_cents) == ("natively", 5)

    def test_reaches_the_service_from_a_browser(self, envoy, contracts):
        request = contracts.message("marketmesh.probe.v1.EchoRequest")(text="by web")

        reply, message, trailers = call_grpc_web(envoy, "ProbeService/Echo", request.SerializeToString())

        assert reply.status == 200
        assert contracts.message("marketmesh.probe.v1.EchoResponse").FromString(message).request.text == "by web"
        assert "grpc-status:0" in trailers.replace(" ", "")


class TestPages:
    def test_say_the_gateway_is_alive(self, envoy):
        reply = envoy.call("GET", "/health/live")

        assert (reply.status, reply.json, reply.headers["x-env"]) == (200, {"status": "live"}, "dev")

    def test_say_the_mesh_is_ready(self, envoy):
        reply = envoy.call("GET", "/health/ready")

        assert (reply.status, reply.json) == (200, {"status": "ready"})

    def test_serve_the_openapi_document(self, envoy):
        reply = envoy.call("GET", "/openapi.json")

        assert reply.headers["content-type"] == "application/json"
        assert "/api/v1/probe/echo" in reply.json["paths"]

    def test_serve_the_reference(self, envoy):
        reply = envoy.call("GET", "/docs")

        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert b"swagger-ui-bundle.js" in reply.body

    @pytest.mark.parametrize(
        ("address", "kind"),
        [("/", "text/html"), ("/docs/reference.js", "text/javascript"), ("/docs/swagger-ui-bundle.js", "text/javascript"),
         ("/docs/swagger-ui.css", "text/css"), ("/docs/reference.css", "text/css")],
    )  # fmt: skip
    def test_serve_what_the_pages_load(self, envoy, address, kind):
        reply = envoy.call("GET", address)

        assert (reply.status, reply.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert reply.body

    def test_serve_the_public_keys(self, envoy, mint):
        reply = envoy.call("GET", "/.well-known/jwks.json")

        assert (reply.status, reply.body) == (200, mint.jwks)
