"""Envoy's own refusals: google.rpc.Status JSON with exactly one ErrorInfo, and the field named where there is one."""

from __future__ import annotations

import grpc
import pytest

from tests.gateway.envoy_process import EnvoyProcess
from tests.gateway.grpc_caller import GrpcCaller, error_info

_ECHO = "/api/v1/probe/echo"


def _violations(reply) -> list[dict[str, str]]:
    found = [each for each in reply.json["details"] if each["@type"].endswith("google.rpc.BadRequest")]
    assert len(found) == 1
    return found[0]["field_violations"]


class TestMalformedInput:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (b'{"text": ', "body"),
            (b"\x00\xffjunk", "body"),
            (b"[1,2]", "body"),
            (b'{"color": "sky_blue"}', "color"),
            (b'{"amount_cents": "12.5"}', "amount_cents"),
            (b'{"amount_cents": "abc"}', "amount_cents"),
            (b'{"items": [{"quantity": 1}, {"quantity": "many"}]}', "items[1].quantity"),
            (b'{"items": [{"quantity": 99999999999}]}', "items[0].quantity"),
            (b'{"text": {"a": 1}}', "text"),
        ],
    )
    def test_in_a_body_answers_400_naming_the_field(self, envoy, body, field):
        reply = envoy.call("POST", _ECHO, body=body, headers={"content-type": "application/json"})

        assert (reply.status, reply.json["code"]) == (400, 3)
        assert (reply.error_info["reason"], reply.error_info["domain"]) == ("VALIDATION_ERROR", "gateway.marketmesh")
        assert reply.error_info["metadata"] == {"field": field}
        assert [each["field"] for each in _violations(reply)] == [field]
        assert reply.json["message"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [("nope=1", "nope"), ("amount_cents=abc", "amount_cents"), ("color=sky_blue", "color")],
    )
    def test_in_a_query_answers_400_naming_the_field(self, envoy, query, field):
        reply = envoy.call("GET", f"/api/v1/probe/search?{query}")

        assert reply.status == 400
        assert reply.error_info["metadata"] == {"field": field}

    def test_of_one_megabyte_answers_400_naming_the_body(self, envoy):
        reply = envoy.call("POST", _ECHO, body=b"x" * 1_000_000)

        assert reply.status == 400
        assert reply.error_info["metadata"]["field"] == "body"

    def test_over_the_size_limit_answers_400_naming_the_limit(self, envoy):
        reply = envoy.call("POST", _ECHO, body={"text": "x" * 1_000_000})

        assert reply.status == 400
        assert reply.error_info["reason"] == "VALIDATION_ERROR"
        assert reply.error_info["metadata"] == {"field": "body", "limit_bytes": "262144"}
        assert _violations(reply) == [{"field": "body", "description": "must be at most 262144 bytes"}]

    def test_under_the_size_limit_is_no_refusal(self, envoy):
        assert envoy.call("POST", _ECHO, body={"text": "x" * 250_000}).status == 200


class TestUnknownRoute:
    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("POST", "/"),
            ("GET", "/api/v1/nowhere"),
            ("DELETE", "/api/v1/probe/items/1"),
            ("POST", "/api/v1/probe/reveal"),
            ("POST", "/api/v1/probe/internal"),
            ("POST", "/marketmesh.probe.v1.ProbeService/Echo"),
            ("POST", "/marketmesh.probe.v1.ProbeMeshService/Reveal"),
            ("POST", "/docs"),
        ],
    )
    def test_answers_404(self, envoy, verb, path):
        reply = envoy.call(verb, path, body=None if verb == "GET" else {})

        assert (reply.status, reply.json["code"]) == (404, 5)
        assert reply.error_info["reason"] == "NOT_FOUND"

    @pytest.mark.parametrize(
        "path",
        ["ProbeMeshService/Reveal", "ProbeService/Internal", "ProbeService/Nowhere", "NowhereService/Echo"],
    )
    def test_is_unimplemented_for_grpc(self, caller, path):
        with pytest.raises(grpc.RpcError) as refusal:
            caller.call(path)

        assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert error_info(refusal.value).reason == "NOT_FOUND"


class TestRateLimit:
    def test_on_sign_in_answers_429_with_retry_after(self, envoy):
        replies = [envoy.call("POST", "/api/v1/probe/sign-in", body={}) for _ in range(8)]

        refused = [reply for reply in replies if reply.status == 429]
        assert refused
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].error_info["reason"] == "RATE_LIMIT_EXCEEDED"

    def test_on_sign_in_leaves_other_routes_alone(self, envoy):
        for _ in range(8):
            envoy.call("POST", "/api/v1/probe/sign-in", body={})

        assert envoy.call("POST", _ECHO, body={}).status == 200

    def test_holds_for_all_traffic_together(self, contracts, tmp_path):
        envoy = EnvoyProcess(
            folder=tmp_path, descriptor_path=contracts.descriptor_path, addresses={}, rate_per_second=3
        )
        caller = GrpcCaller(envoy=envoy, contracts=contracts)
        try:
            replies = [envoy.call("GET", "/health/live") for _ in range(10)]
            with pytest.raises(grpc.RpcError) as refusal:
                caller.call("ProbeService/Echo")
        finally:
            caller.close()
            envoy.stop()

        assert {reply.status for reply in replies} == {200, 429}
        assert replies[-1].headers["retry-after"] == "1"
        assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error_info(refusal.value).reason == "RATE_LIMIT_EXCEEDED"


class TestTimeOut:
    def test_answers_504_naming_the_dependency(self, envoy):
        reply = envoy.call("POST", "/api/v1/probe/behave", body={"sleep_s": 0.9})

        assert reply.status == 504
        assert (reply.error_info["reason"], reply.error_info["metadata"]) == (
            "DEPENDENCY_ERROR",
            {"dependency": "probe"},
        )

    def test_gives_flows_more_time(self, envoy):
        assert envoy.call("POST", "/api/v1/probe/behave-as-flow", body={"sleep_s": 0.9}).status == 200

    def test_ends_flows_too(self, envoy):
        assert envoy.call("POST", "/api/v1/probe/behave-as-flow", body={"sleep_s": 1.5}).status == 504
