"""Token rules: the same for REST, gRPC and gRPC-Web, because they sit on the RPC's one route."""

from __future__ import annotations

import grpc
import pytest

from tests.gateway.grpc_caller import call_grpc_web, error_info

_ITEM = "/api/v1/probe/items/7"


def _bad_tokens(mint) -> dict[str, tuple[dict[str, str], str]]:
    return {
        "none given": ({}, "token_missing"),
        "another scheme": ({"authorization": "Basic dTpw"}, "token_missing"),
        "expired": (mint.bearer(exp=1_000_000), "token_expired"),
        "another surface": (mint.bearer(audience="marketmesh.admin"), "token_audience"),
        "another issuer": (mint.bearer(iss="elsewhere"), "token_invalid"),
        "signed by a stranger": ({"authorization": f"Bearer {mint.forged()}"}, "token_invalid"),
        "unsigned": ({"authorization": f"Bearer {mint.unsigned()}"}, "token_invalid"),
        "not a token": ({"authorization": "Bearer junk"}, "token_invalid"),
    }


_KINDS = ("none given", "another scheme", "expired", "another surface", "another issuer", "signed by a stranger",
          "unsigned", "not a token")  # fmt: skip


class TestRest:
    @pytest.mark.parametrize("kind", _KINDS)
    def test_answers_401_naming_the_cause(self, envoy, mint, kind):
        headers, cause = _bad_tokens(mint)[kind]

        reply = envoy.call("GET", _ITEM, headers=headers)

        assert reply.status == 401
        assert reply.json["code"] == 16
        assert reply.error_info == {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "UNAUTHORIZED",
            "domain": "gateway.marketmesh",
            "metadata": {"cause": cause},
        }

    def test_lets_a_valid_token_through_with_the_token(self, envoy, mint):
        headers = mint.bearer()

        reply = envoy.call("GET", _ITEM, headers=headers)

        assert reply.status == 200
        assert reply.json["metadata"]["authorization"] == headers["authorization"]

    @pytest.mark.parametrize("audience", ["marketmesh.store", "marketmesh.agent"])
    def test_accepts_every_audience_the_policy_lists(self, envoy, mint, audience):
        assert envoy.call("GET", "/api/v1/probe/shared/7", headers=mint.bearer(audience=audience)).status == 200

    # The policy lists the service audience too, but no service calls from outside.
    @pytest.mark.parametrize("audience", ["marketmesh.admin", "marketmesh.service"])
    def test_refuses_any_other_audience(self, envoy, mint, audience):
        reply = envoy.call("GET", "/api/v1/probe/shared/7", headers=mint.bearer(audience=audience))

        assert (reply.status, reply.error_info["metadata"]) == (401, {"cause": "token_audience"})

    def test_takes_staff_to_mean_an_admin_token(self, envoy, mint):
        path = "/api/v1/admin/probe/7"

        statuses = [
            envoy.call("GET", path, headers=mint.bearer(audience=audience)).status
            for audience in ("marketmesh.admin", "marketmesh.store", "marketmesh.service")
        ]

        assert statuses == [200, 401, 401]

    def test_ignores_a_token_in_the_query_string(self, envoy, mint):
        reply = envoy.call("GET", f"{_ITEM}?access_token={mint.token()}")

        assert reply.status in (400, 401)

    @pytest.mark.parametrize(
        "path",
        ["/api/v1/probe/items/7/", "/api/v1//probe/items/7", "/api/v1/probe/items/a%2Fb", "/api/v1/./probe/items/7"],
    )
    def test_cannot_be_avoided_by_another_spelling_of_the_path(self, envoy, path):
        assert envoy.call("GET", path).status in (401, 404)

    def test_serves_public_methods_whatever_the_token(self, envoy):
        reply = envoy.call("POST", "/api/v1/probe/echo", body={}, headers={"authorization": "Bearer junk"})

        assert reply.status == 200


class TestGrpc:
    @pytest.mark.parametrize("kind", _KINDS)
    def test_answers_unauthenticated_naming_the_cause(self, caller, mint, kind):
        metadata, cause = _bad_tokens(mint)[kind]

        with pytest.raises(grpc.RpcError) as refusal:
            caller.call("ProbeService/GetItem", request="GetItemRequest", metadata=metadata)

        assert refusal.value.code() == grpc.StatusCode.UNAUTHENTICATED
        info = error_info(refusal.value)
        assert (info.reason, dict(info.metadata)) == ("UNAUTHORIZED", {"cause": cause})

    def test_lets_a_valid_token_through(self, caller, mint):
        reply = caller.call("ProbeService/GetItem", request="GetItemRequest", metadata=mint.bearer())

        assert reply.worker in ("first", "second")


class TestGrpcWeb:
    def test_refuses_without_a_token(self, envoy):
        reply, _, _ = call_grpc_web(envoy, "ProbeService/GetItem", b"")

        assert reply.headers["grpc-status"] == "16"

    def test_lets_a_valid_token_through(self, envoy, mint):
        _, _, trailers = call_grpc_web(envoy, "ProbeService/GetItem", b"", **mint.bearer())

        assert "grpc-status:0" in trailers.replace(" ", "")
