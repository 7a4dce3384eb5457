"""HTTP statuses that google.api.http cannot express, asked for by services or following from the gRPC status."""

from __future__ import annotations

import grpc
import pytest

from tests.gateway.grpc_caller import error_info

_BEHAVE = "/api/v1/probe/behave"


class TestErrors:
    @pytest.mark.parametrize("early_headers", [False, True])
    @pytest.mark.parametrize(
        ("code", "status"),
        [(3, 400), (5, 404), (6, 409), (7, 403), (8, 429), (9, 409), (10, 409), (13, 500), (14, 503), (16, 401)],
    )
    def test_follow_the_grpc_status(self, envoy, code, status, early_headers):
        body = {"code": code, "reason": "TOLD", "early_headers": early_headers}

        reply = envoy.call("POST", _BEHAVE, body=body)

        assert (reply.status, reply.json["code"], reply.headers["grpc-status"]) == (status, code, str(code))
        assert (reply.error_info["reason"], reply.error_info["domain"]) == ("TOLD", "probe.marketmesh")

    def test_carry_the_retry_after_of_the_service(self, envoy):
        reply = envoy.call("POST", _BEHAVE, body={"code": 8, "reason": "TOLD", "headers": {"retry-after": "42"}})

        assert (reply.status, reply.headers["retry-after"]) == (429, "42")

    @pytest.mark.parametrize("code", [8, 14])
    def test_carry_a_retry_after_when_the_service_gave_none(self, envoy, code):
        assert envoy.call("POST", _BEHAVE, body={"code": code}).headers["retry-after"] == "1"

    def test_of_grpc_itself_get_a_reason(self, envoy, mint):
        reply = envoy.call("GET", "/api/v1/licenses", headers=mint.bearer())

        assert (reply.status, reply.error_info["reason"]) == (501, "INTERNAL_ERROR")

    def test_become_422_when_the_service_says_so(self, envoy):
        assert envoy.call("POST", _BEHAVE, body={"code": 3, "headers": {"x-http-status": "422"}}).status == 422

    def test_stay_as_they_are_for_grpc(self, caller):
        with pytest.raises(grpc.RpcError) as refusal:
            caller.call("ProbeService/Behave", request="BehaveRequest", code=9, reason="TOLD")

        assert refusal.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert error_info(refusal.value).reason == "TOLD"


class TestSuccess:
    @pytest.mark.parametrize("status", ["201", "202"])
    def test_has_the_status_the_service_asked_for(self, envoy, status):
        reply = envoy.call("POST", _BEHAVE, body={"headers": {"x-http-status": status}})

        assert reply.status == int(status)
        assert reply.json["worker"]
        assert "x-http-status" not in reply.headers

    def test_has_no_body_with_204(self, envoy):
        reply = envoy.call("POST", _BEHAVE, body={"headers": {"x-http-status": "204"}})

        assert (reply.status, reply.body) == (204, b"")
        assert "content-type" not in reply.headers

    @pytest.mark.parametrize("status", ["500", "101", "junk"])
    def test_ignores_a_status_that_is_not_a_success(self, envoy, status):
        assert envoy.call("POST", _BEHAVE, body={"headers": {"x-http-status": status}}).status == 200

    def test_redirects_where_the_service_says(self, envoy):
        reply = envoy.call("POST", _BEHAVE, body={"headers": {"x-redirect-location": "https://shop.example/a?b=1"}})

        assert (reply.status, reply.headers["location"], reply.body) == (302, "https://shop.example/a?b=1", b"")
        assert "x-redirect-location" not in reply.headers
