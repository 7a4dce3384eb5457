"""On every route of the real contracts, through the real Envoy: what was asked is decided once, or refused by name."""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
from collections.abc import Iterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.contracts import load_contracts
from tests.gateway.access_tokens import TokenMint
from tests.gateway.envoy_process import EnvoyProcess
from tests.gateway.every_route import DESCRIPTORS, AnswersAll, Route, every_route, nested, place, spellings
from tests.gateway.probe_worker import Worker, identity_handlers

_ROUTES = every_route()
_JSON = {"content-type": "application/json"}
_KEEP = "; leave it out to keep what is there"
Asked = tuple[Route, str, str, dict[str, str], bytes, str]


class Gateway:
    """One connection to an Envoy in front of a mesh that answers everything."""

    def __init__(self, envoy: EnvoyProcess, mint: TokenMint, mesh: AnswersAll) -> None:
        self.mesh = mesh
        self._mint = mint
        self._connection = http.client.HTTPConnection("127.0.0.1", envoy.port, timeout=15)

    def ask(self, route: Route, *, query: str = "", headers: dict[str, str] | None = None, body: bytes | None = None):
        audience = next(iter(route.method.audiences), "")
        given = {**(self._mint.bearer(audience=audience) if audience else {}), **(headers or {})}
        self._connection.request(route.verb, route.path + (f"?{query}" if query else ""), body=body, headers=given)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()

    def is_refused(self, route: Route, *, names: str, status: int = 400, **asked) -> str:
        """Return what is wrong with the refusal; empty when all is well. A body is sent in one piece, then in chunks."""
        found = self._refusal(route, names, status, asked)
        if found or "body" not in asked:
            return found
        return self._refusal(route, names, status, {**asked, "body": iter([asked["body"][:1], asked["body"][1:]])})

    def _refusal(self, route: Route, names: str, status: int, asked: dict) -> str:
        heard = len(self.mesh.heard)
        seen, text = self.ask(route, **asked)
        if len(self.mesh.heard) != heard:
            return f"{route} {asked}: reached the service"
        if seen != status:
            return f"{route} {asked}: {seen} {text[:300]!r}"
        details = json.loads(text)["details"]
        info = next(each for each in details if each["@type"].endswith("ErrorInfo"))
        fields = [item["field"] for each in details for item in each.get("field_violations", ())]
        told = (info["reason"], info["domain"], info["metadata"]["field"], fields)
        wanted = ("VALIDATION_ERROR", "gateway.marketmesh", names, [names])
        return "" if told == wanted else f"{route} {asked}: {told}"


@pytest.fixture(scope="module")
def gateway(contracts, mint, tmp_path_factory) -> Iterator[Gateway]:
    mesh = AnswersAll()
    worker = Worker(handlers=[*identity_handlers(contracts=contracts, jwks=mint.jwks), mesh])
    owners = load_contracts(descriptor_path=DESCRIPTORS).owners
    envoy = EnvoyProcess(
        folder=tmp_path_factory.mktemp("every-route"),
        descriptor_path=DESCRIPTORS,
        addresses=dict.fromkeys(owners, f"127.0.0.1:{worker.port}"),
        rate_per_second=100_000,
        auth_rate_per_second=100_000,
    )
    try:
        for owner in owners:
            envoy.wait_for_hosts(owner, 1)
        envoy.wait_for_keys()
        gateway = Gateway(envoy, mint, mesh)
        yield gateway
        gateway.close()
    finally:
        envoy.stop()
        worker.stop()


def _none(complaints: Iterator[str]) -> None:
    found = list(complaints)
    assert found, "nothing was tried"
    wrong = [complaint for complaint in found if complaint]
    assert not wrong, f"{len(wrong)} of {len(found)}:\n" + "\n".join(wrong[:20])


def _some(field) -> str:
    one = "{}" if field.message_type else "true" if field.type == field.TYPE_BOOL else "1"
    one = '"1"' if field.type in {field.TYPE_STRING, field.TYPE_BYTES} else one
    return f"[{one}]" if field.is_repeated else one


class TestAFieldOfThePath:
    def test_is_refused_in_the_query(self, gateway):
        _none(
            gateway.is_refused(route, names=field.name, query=f"{name}=7", **_valid_body(route))
            for route in _ROUTES for field in route.bound for name in spellings(field)
        )  # fmt: skip

    def test_is_refused_in_the_body(self, gateway):
        _none(
            gateway.is_refused(route, names=field.name, headers=_JSON, body=f'{{"{name}":"7"}}'.encode())
            for route in _ROUTES if route.takes_json for field in route.bound for name in spellings(field)
        )  # fmt: skip


class TestTheQuery:
    def test_is_refused_where_the_body_says_all(self, gateway):
        _none(
            gateway.is_refused(route, names=name, query=f"{name}=1", **_valid_body(route))
            for route in _ROUTES if route.takes_json
            for around, field in route.body_fields() if not around for name in spellings(field)
        )  # fmt: skip

    def test_gives_single_values_once_in_whatever_spelling(self, gateway):
        _none(
            gateway.is_refused(route, names=field.name, query=f"{first}=1&{second}=1", **_valid_body(route))
            for route in _ROUTES for field in route.parameters if not field.is_repeated
            for first, second in itertools.product(spellings(field), repeat=2)
        )  # fmt: skip

    def test_knows_only_the_fields_of_the_call(self, gateway):
        _none(
            gateway.is_refused(route, names=name, query=f"{name}=1", **_valid_body(route))
            for route in _ROUTES for name in ("access_token", "nope")
        )  # fmt: skip

    def test_takes_every_field_in_both_spellings(self, gateway):
        for route in _ROUTES:
            for field in route.parameters:
                for name in spellings(field):
                    value = {"string": "a", "message": "2026-01-01T00:00:00Z"}.get(_kind(field), "0")
                    status, text = gateway.ask(route, query=f"{name}={value}", **_valid_body(route))
                    assert status == 200, (str(route), name, text)

    def test_says_a_blank_with_a_plus(self, gateway):
        fields = [(route, field) for route in _ROUTES for field in route.parameters if _kind(field) == "string"]
        assert len(fields) > 20
        for route, field in fields:
            status, _ = gateway.ask(route, query=f"{field.name}=North+Farm%2B", **_valid_body(route))

            assert (status, b"North Farm+" in gateway.mesh.heard[-1][1]) == (200, True), (str(route), field.name)

    def test_takes_a_plus_in_a_date_as_it_is(self, gateway):
        fields = [(route, field) for route in _ROUTES for field in route.parameters if _kind(field) == "message"]
        assert len(fields) >= 6
        for route, field in fields:
            heard = set()
            for plus in ("+02:00", "%2B02:00", "%2b02:00"):
                status, text = gateway.ask(route, query=f"{field.json_name}=2026-01-01T12:00:00{plus}")
                assert status == 200, (str(route), field.name, text)
                heard.add(gateway.mesh.heard[-1][1])

            (request,) = heard
            assert Timestamp(seconds=1_767_261_600).SerializeToString() in request, "ten o'clock in UTC"

    def test_that_is_no_date_is_refused_with_the_way_to_write_it(self, gateway):
        route, field = next(
            (route, field) for route in _ROUTES for field in route.parameters if _kind(field) == "message"
        )

        status, text = gateway.ask(route, query=f"{field.name}=yesterday")

        assert (status, json.loads(text)["details"][0]["metadata"]["field"]) == (400, field.name)
        assert "2026-01-31T12:00:00Z" in json.loads(text)["message"]


class TestTheBody:
    def test_gives_every_field_once_in_whatever_spelling(self, gateway):
        _none(
            gateway.is_refused(
                route, names=place(around, field.name), headers=_JSON,
                body=nested(around, f'"{first}":0,"{second}":0').encode(),
            )
            for route in _ROUTES if route.takes_json for around, field in route.body_fields()
            for first, second in itertools.product(spellings(field), repeat=2)
        )  # fmt: skip

    def test_knows_only_the_fields_of_the_call(self, gateway):
        _none(
            gateway.is_refused(
                route, names=place(around, name), headers=_JSON, body=nested(around, f'"{name}":1').encode()
            )
            for route in _ROUTES if route.takes_json
            for around in {(), *(around for around, _ in route.body_fields())} for name in ("nope", "Nope_", "id_")
        )  # fmt: skip

    def test_takes_every_field_in_both_spellings(self, gateway):
        for route in _ROUTES:
            for around, field in route.body_fields() if route.takes_json else ():
                value = _some(field) if route.verb in ("PATCH", "PUT") else "null"
                for name in spellings(field):
                    body = nested(around, f'"{name}":{value}').encode()
                    status, text = gateway.ask(route, headers=_JSON, body=body)
                    assert status == 200, (str(route), body, text)

    def test_refuses_null_where_what_is_absent_stays(self, gateway):
        _none(
            gateway.is_refused(
                route, names=place(around, field.name), headers=_JSON, body=nested(around, f'"{name}":null').encode()
            )
            for route in _ROUTES if route.takes_json and route.verb in ("PATCH", "PUT")
            for around, field in route.body_fields() for name in spellings(field)
        )  # fmt: skip

    def test_refuses_an_empty_list_where_what_is_absent_stays(self, gateway):
        _none(
            gateway.is_refused(route, names=field.name, headers=_JSON, body=f'{{"{name}":[]}}'.encode())
            for route in _ROUTES if route.takes_json and route.verb in ("PATCH", "PUT")
            for around, field in route.body_fields() if field.is_repeated and not around for name in spellings(field)
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("path", "field", "instead"),
        [
            ("/api/v1/vendor/products/{product_id}", "subtitle", _KEEP + ", send an empty text to clear it"),
            ("/api/v1/vendor/products/{product_id}", "thc_percent", _KEEP + ", send an empty text to clear it"),
            ("/api/v1/vendor/products/{product_id}", "title", _KEEP),
            ("/api/v1/vendor/products/{product_id}", "price_cents", _KEEP),
            ("/api/v1/vendor/products/{product_id}", "gallery", _KEEP),
            ("/api/v1/vendor/products/{product_id}", "feelings", _KEEP),
            ("/api/v1/inventory/{product_id}", "available_qty", _KEEP),
            ("/api/v1/vendor/orders/{order_id}/internal-notes", "internal_notes", ""),
            ("/api/v1/vendor/order-policy", "nudge_after_days", ""),
        ],
    )
    def test_that_is_null_is_told_what_to_send_instead(self, gateway, path, field, instead):
        (route,) = (each for each in _ROUTES if each.binding.path == path and each.verb in ("PATCH", "PUT"))

        status, text = gateway.ask(route, headers=_JSON, body=f'{{"{field}":null}}'.encode())

        assert (status, json.loads(text)["message"]) == (400, f"{field}: must not be null{instead}")

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json; charset=latin1"],
    )
    def test_of_another_type_is_415(self, gateway, content_type):
        _none(
            gateway.is_refused(
                route, names="content-type", status=415, headers={"content-type": content_type}, body=b"{}"
            )
            for route in _ROUTES if route.takes_json
        )  # fmt: skip

    def test_of_no_type_is_415(self, gateway):
        _none(
            gateway.is_refused(route, names="content-type", status=415, body=b"{}")
            for route in _ROUTES if route.takes_json
        )  # fmt: skip

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
    def test_that_is_compressed_is_415(self, gateway, encoding):
        headers = {**_JSON, "content-encoding": encoding}
        _none(
            gateway.is_refused(route, names="content-encoding", status=415, headers=headers, body=gzip.compress(b"{}"))
            for route in _ROUTES if route.binding.body
        )  # fmt: skip

    def test_is_refused_where_none_is_taken(self, gateway):
        _none(
            gateway.is_refused(route, names="body", headers=_JSON, body=b'{"product_id":"7"}')
            for route in _ROUTES if not route.binding.body
        )  # fmt: skip

    @pytest.mark.parametrize(
        "body",
        [b"{'a':1}", b"{a:1}", b"{},", b"{}{}", b"[]", b"7", b"nul", b'{"', b"\xff", b'{"a":01}', b"[" * 5_000],
    )
    def test_is_strict_json(self, gateway, body):
        route = next(route for route in _ROUTES if route.takes_json)

        status, text = gateway.ask(route, headers=_JSON, body=body)

        assert (status, json.loads(text)["code"]) == (400, 3)


class TestTheSizeOfABody:
    def test_may_be_what_the_contract_says_and_not_a_byte_more(self, gateway):
        for route in _ROUTES:
            if not route.binding.body:
                continue
            limit = route.method.policy.body_bytes_max or 262_144
            status, text = gateway.ask(route, **_body_of(route, limit))
            assert status == 200, (str(route), text)
            for chunked in (False, True):
                asked = _body_of(route, limit + 1)
                body = iter([asked["body"]]) if chunked else asked["body"]

                status, text = gateway.ask(route, headers=asked["headers"], body=body)

                assert (status, json.loads(text)["details"][0]["metadata"]) == (
                    400, {"field": "body", "limit_bytes": str(limit)},
                ), (str(route), chunked)  # fmt: skip

    def test_is_larger_where_sheets_files_and_tokens_travel(self):
        larger = {str(route): route.method.policy.body_bytes_max for route in _ROUTES}

        assert {route: limit for route, limit in larger.items() if limit} == {
            "POST /api/v1/vendor/products:import": 1028 * 1024,
            "POST /api/v1/admin/reconciliations": 3136 * 1024,
            "POST /api/v1/cart": 512 * 1024,
        }

    def test_has_room_for_two_hundred_of_the_longest_tokens(self, gateway):
        route = next(route for route in _ROUTES if str(route) == "POST /api/v1/cart")
        body = json.dumps({"attribution_tokens": [f"{number:03}" + "t" * 2045 for number in range(200)]}).encode()

        assert gateway.ask(route, headers=_JSON, body=body)[0] == 200

    def test_has_room_for_the_largest_file_of_a_bank(self, gateway):
        route = next(route for route in _ROUTES if str(route) == "POST /api/v1/admin/reconciliations")
        line = '"1500","USD","0192f0c1-5a52-7c3e-9a37-3a3f5c1c2f10","2026-01-31"\r\n'

        # As long as JSON can write it: letters of two bytes as six signs each.
        for content in ((line * 20_000)[:1_000_000], "é" * 500_000):
            assert gateway.ask(route, headers=_JSON, body=json.dumps({"content": content}).encode())[0] == 200

    def test_that_fits_nowhere_is_refused_in_our_words(self, gateway):
        route = next(route for route in _ROUTES if route.takes_json)

        status, text = gateway.ask(route, headers=_JSON, body=iter([b" " * 65_536] * 50))

        assert (status, json.loads(text)["details"][0]["metadata"]["field"]) == (400, "body")


class TestWhatIsRight:
    def test_reaches_its_rpc_with_the_ids_of_the_path(self, gateway):
        for route in _ROUTES:
            status, text = gateway.ask(route, **_valid_body(route))

            path, request = gateway.mesh.heard[-1] if route.method.name != "GetJwks" else (route.method.grpc_path, b"")
            assert (status, path) == (200, route.method.grpc_path), text
            for segment in set(route.path.split("/")) - set(route.binding.path.split("/")):
                assert segment.encode() in request


def _valid_body(route: Route) -> dict:
    if route.takes_json:
        return {"headers": _JSON, "body": b"{}"}
    return {"headers": {"content-type": "text/csv"}, "body": b"sku\n"} if route.binding.body else {}


def _body_of(route: Route, size: int) -> dict:
    if route.takes_json:
        return {"headers": _JSON, "body": b"{" + b" " * (size - 2) + b"}"}
    return {"headers": {"content-type": "text/csv"}, "body": b"x" * size}


def _kind(field) -> str:
    return {field.TYPE_STRING: "string", field.TYPE_MESSAGE: "message"}.get(field.type, "number")
