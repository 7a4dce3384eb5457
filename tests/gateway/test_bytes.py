"""Bytes that no service could read: refused at the edge in our words, and never held against a process."""

from __future__ import annotations

import base64
import struct

import grpc
import pytest

from tests.gateway.grpc_caller import call_grpc_web

_ECHO, _SEARCH = "/api/v1/probe/echo", "/api/v1/probe/search"
_GRPC = "/marketmesh.probe.v1.ProbeService/Echo"
_NO_UTF8 = ["%FF", "%C0%AF", "%ED%A0%80", "%F5%80%80%80", "a%E2%82", "%80"]


def _ejections(envoy) -> int:
    lines = envoy.admin("/stats?filter=cluster.probe.outlier_detection.ejections_enforced_total").splitlines()
    return int(lines[0].split(": ")[1])


def _refuses(reply, field: str, status: int = 400) -> bool:
    info = reply.error_info
    return (reply.status, info["reason"], info["metadata"]["field"]) == (status, "VALIDATION_ERROR", field)


class TestHeaderNames:
    @pytest.mark.parametrize("sign", list("!#$%&'*+^`|~"))
    def test_that_grpc_does_not_know_are_400(self, envoy, sign):
        reply = envoy.call("POST", _ECHO, body={}, headers={f"x-a{sign}b": "1"})

        assert _refuses(reply, "x-a?b")

    @pytest.mark.parametrize("sign", list("!#$%&'*+^`|~"))
    def test_that_grpc_does_not_know_are_invalid_for_grpc_web(self, envoy, sign):
        reply, _, _ = call_grpc_web(envoy, "ProbeService/Echo", b"", **{f"x-a{sign}b": "1"})

        assert reply.headers["grpc-status"] == str(grpc.StatusCode.INVALID_ARGUMENT.value[0])


class TestHeaderValues:
    @pytest.mark.parametrize(
        ("name", "value"),
        [("x-a", "\xff"), ("x-a", "a\tb"), ("foo-bin", "***"), ("foo-bin", "A"), ("grpc-timeout", "1x")],
    )
    def test_that_grpc_does_not_know_are_400(self, envoy, name, value):
        assert _refuses(envoy.call("POST", _ECHO, body={}, headers={name: value}), name)

    @pytest.mark.parametrize(
        "name", ["grpc-encoding", "grpc-tags-bin", "grpc-previous-rpc-attempts", "lb-cost-bin", "cookie"]
    )
    def test_that_are_words_of_the_runtime_or_cookies_do_not_reach_a_service(self, envoy, name):
        reply = envoy.call("POST", _ECHO, body={}, headers={name: "!\xe9!"})

        assert reply.status == 200
        assert name not in reply.json["metadata"]

    def test_that_are_long_reach_a_service_up_to_the_limit(self, envoy):
        assert envoy.call("POST", _ECHO, body={}, headers={"x-a": "a" * 23_000}).status == 200

    @pytest.mark.parametrize("size", [24 * 1024, 70_000])
    def test_that_are_too_long_are_431(self, envoy, size):
        assert _refuses(envoy.call("POST", _ECHO, body={}, headers={"x-a": "a" * size}), "headers", 431)


class TestAddresses:
    @pytest.mark.parametrize("text", _NO_UTF8)
    def test_that_are_no_utf8_in_the_query_are_400(self, envoy, text):
        assert _refuses(envoy.call("GET", f"{_SEARCH}?text={text}"), "text")

    @pytest.mark.parametrize("text", _NO_UTF8)
    def test_that_are_no_utf8_in_the_path_are_400(self, envoy, mint, text):
        assert _refuses(envoy.call("GET", f"/api/v1/probe/items/{text}", headers=mint.bearer()), "item_id")

    @pytest.mark.parametrize("text", ["a%", "a%2", "%zz"])
    def test_that_are_cut_off_are_400(self, envoy, text):
        assert _refuses(envoy.call("GET", f"{_SEARCH}?text={text}"), "text")

    @pytest.mark.parametrize(("query", "text"), [("%C3%A9%E2%82%AC%F0%9F%8D%83", "é€🍃"), ("a+b%2Bc", "a b+c")])
    def test_that_are_utf8_and_blanks_reach_a_service(self, envoy, query, text):
        assert envoy.call("GET", f"{_SEARCH}?text={query}").json["request"]["text"] == text

    def test_of_8_kib_reach_a_service(self, envoy):
        path = f"{_SEARCH}?text="

        assert envoy.call("GET", path + "a" * (8192 - len(path))).status == 200
        assert _refuses(envoy.call("GET", path + "a" * (8193 - len(path))), "path", 414)

    @pytest.mark.parametrize(("size", "status", "field"), [(59_000, 414, "path"), (90_000, 431, "headers")])
    def test_that_are_far_too_long_are_refused_in_our_words(self, envoy, size, status, field):
        assert _refuses(envoy.call("GET", f"{_SEARCH}?text=" + "a" * size), field, status)


class TestJson:
    @pytest.mark.parametrize("text", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\\ud800", b"\\udc00", b"\\ud800\\u0041"])
    def test_with_a_text_that_is_no_utf8_is_400(self, envoy, text):
        body = b'{"text":"' + text + b'"}'

        assert _refuses(envoy.call("POST", _ECHO, body=body, headers={"content-type": "application/json"}), "body")

    def test_with_a_surrogate_pair_reaches_a_service(self, envoy):
        body = b'{"text":"\\ud83c\\udf43"}'

        reply = envoy.call("POST", _ECHO, body=body, headers={"content-type": "application/json"})

        assert reply.json["request"]["text"] == "🍃"


def _varint(number):
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


class TestGrpc:
    """What a caller sends in gRPC's own words goes to the runtime of a service, so its answers eject nobody."""

    @pytest.mark.parametrize("kind", ["application/grpc", "application/grpc-web+proto", "application/grpc-web-text"])
    @pytest.mark.parametrize(
        "body",
        [
            b"", b"\x00\x00\x00", struct.pack(">BI", 0, 10) + b"x", struct.pack(">BI", 1, 1) + b"x",
            struct.pack(">BI", 0, 2**32 - 1) + b"x", struct.pack(">BI", 1, 0), struct.pack(">BI", 0, 0) * 2,
        ],
    )  # fmt: skip
    def test_that_is_no_frame_is_invalid(self, envoy, kind, body):
        body = base64.b64encode(body) if kind.endswith("text") else body

        reply = envoy.call("POST", _GRPC, body=body, headers={"content-type": kind, "x-grpc-web": "1"})

        assert reply.headers["grpc-status"] == "3"

    # Services answer these themselves (tests/contracts/test_no_internal_error.py); the probe's runtime says INTERNAL.
    @pytest.mark.parametrize("kind", ["application/grpc", "application/grpc-web+proto"])
    @pytest.mark.parametrize("message", [b"\xff\xff\xff", b"\x0a\x01\xff"])
    def test_that_cannot_be_read_ejects_nobody(self, envoy, kind, message):
        headers = {"content-type": kind, "x-grpc-web": "1"}
        body = struct.pack(">BI", 0, len(message)) + message
        before = _ejections(envoy)

        statuses = {envoy.call("POST", _GRPC, body=body, headers=headers).headers["grpc-status"] for _ in range(15)}

        assert statuses == {"13"}
        assert (_ejections(envoy), envoy.healthy_hosts("probe")) == (before, 2)

    @pytest.mark.parametrize("text", [b"a", b"AAAA", b"????????", b"AAAAAAA=AAAAAAA="])
    def test_that_is_no_base64_is_invalid(self, envoy, text):
        headers = {"content-type": "application/grpc-web-text", "x-grpc-web": "1"}

        assert envoy.call("POST", _GRPC, body=text, headers=headers).headers["grpc-status"] == "3"

    @pytest.mark.parametrize("size", [0, 1, 2, 3, 100_000])
    @pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/grpc-web-text+proto"])
    def test_from_a_browser_is_answered(self, envoy, kind, size):
        message = b"" if not size else b"\x0a" + _varint(size) + b"a" * size
        body = struct.pack(">BI", 0, len(message)) + message
        body = base64.b64encode(body) if "text" in kind else body

        reply = envoy.call("POST", _GRPC, body=body, headers={"content-type": kind, "x-grpc-web": "1"})

        assert (reply.status, reply.headers.get("grpc-status", "0")) == (200, "0")

    @pytest.mark.parametrize("compression", ["gzip", "deflate"])
    def test_that_is_compressed_is_refused(self, envoy, compression):
        reply, _, _ = call_grpc_web(envoy, "ProbeService/Echo", b"", **{"grpc-encoding": compression})

        assert reply.headers["grpc-status"] == "3"

    def test_over_http_1_is_answered(self, envoy):
        headers = {"content-type": "application/grpc"}

        reply = envoy.call("POST", _GRPC, body=struct.pack(">BI", 0, 0), headers=headers)

        assert (reply.status, reply.body[:1]) == (200, b"\x00")

    def test_by_another_verb_is_invalid(self, envoy):
        reply = envoy.call("GET", _GRPC, headers={"content-type": "application/grpc"})

        assert reply.headers["grpc-status"] == "3"

    def test_in_an_unknown_compression_is_invalid(self, envoy):
        reply, _, _ = call_grpc_web(envoy, "ProbeService/Echo", b"", **{"grpc-encoding": "bogus"})

        assert reply.headers["grpc-status"] == "3"
