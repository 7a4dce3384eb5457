"""The mesh from outside: the story, bad input, and processes that die in the middle. Real Envoy, real parts."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import create_engine, text

from deploy.dev.ports import SERVICES
from deploy.tools.people import PASSWORD, Cast
from deploy.tools.prove import prove_everything
from deploy.tools.rest_client import RestClient, reason_of
from deploy.tools.running_mesh import RunningMesh
from deploy.tools.story import Story, product_body
from deploy.tools.waiting import until
from tests.e2e.market import Market
from tests.e2e.rest import detail, raw

SEED = 20_261_122
# More would only test the patience of the supervisor's back-off.
KILLS = 8
# The mesh starts within a test's time, on a machine that runs other tests as well.
pytestmark = pytest.mark.timeout(420)


class TestStory:
    def test_runs_from_registration_to_payout_and_everything_adds_up(self, mesh: RunningMesh) -> None:
        cast = Cast(mesh.url)

        Story(cast).tell()

        assert len(cast.journal.steps) > 60
        assert prove_everything() == []

    def test_survives_the_death_of_any_process_in_the_middle(self, mesh: RunningMesh) -> None:
        dice, done = random.Random(SEED), threading.Event()
        victims = [*SERVICES, "envoy", "valkey", "postgres"]
        killed: list[str] = []

        def reaper() -> None:
            while len(killed) < KILLS and not done.wait(dice.uniform(0.5, 1.2)):
                victim = dice.choice(victims)
                killed.append(victim)
                mesh.kill(victim)
                # One death at a time: the next one comes when the mesh stands again.
                back_by = time.monotonic() + 60
                while not done.wait(0.2) and not mesh.is_ready() and time.monotonic() < back_by:
                    pass

        thread = threading.Thread(target=reaper)
        thread.start()
        try:
            Story(Cast(mesh.url)).tell()
        finally:
            done.set()
            thread.join()
        mesh.wait_ready()

        assert killed
        assert prove_everything(settle_s=120) == [], f"seed {SEED}, killed {killed}"


class TestTokens:
    @pytest.mark.parametrize(
        ("token", "cause"), [("", "token_missing"), ("a.b.c", "token_invalid"), ("Bearer", "token_invalid")]
    )
    def test_missing_and_garbage_are_401_with_a_cause(self, mesh: RunningMesh, token: str, cause: str) -> None:
        answer = raw(RestClient(mesh.url, Cast(mesh.url).journal, token), "GET", "/api/v1/stores/me")

        assert (answer.status, reason_of(answer)) == (401, "UNAUTHORIZED")
        assert detail(answer, "ErrorInfo")["metadata"]["cause"] == cause

    def test_a_foreign_audience_is_401(self, market: Market) -> None:
        answers = [
            raw(market.buyer, "GET", "/api/v1/admin/licenses"),
            raw(market.people.admin.client, "GET", "/api/v1/stores/me"),
            raw(market.people.agent.client, "GET", "/api/v1/orders"),
            raw(market.buyer, "GET", "/api/v1/agent/orders"),
        ]

        assert [answer.status for answer in answers] == [401] * 4
        assert {detail(answer, "ErrorInfo")["metadata"]["cause"] for answer in answers} == {"token_audience"}

    def test_a_revoked_one_is_401_within_a_second(self, market: Market) -> None:
        person = market.cast.store(f"leaver-{uuid.uuid4().hex[:6]}", store_type="buyer")
        person.client.post("/api/v1/auth/logout", {})
        started = time.monotonic()

        until("401", lambda: raw(person.client, "GET", "/api/v1/stores/me").status == 401, seconds=5)

        assert time.monotonic() - started < 1.5
        assert (
            detail(raw(person.client, "GET", "/api/v1/stores/me"), "ErrorInfo")["metadata"]["cause"] == "token_revoked"
        )

    def test_one_without_an_active_store_is_403(self, market: Market) -> None:
        person = market.cast.store(f"storeless-{uuid.uuid4().hex[:6]}", store_type="buyer")
        # No service may do that yet.
        owner = create_engine(os.environ["IDENTITY_MIGRATION_DATABASE_URL"])
        with owner.begin() as connection:
            connection.execute(
                text("UPDATE memberships SET status = 'removed' WHERE store_id = :id"), {"id": person.store_id}
            )
        owner.dispose()
        login = {"email": person.email, "password": PASSWORD}
        signed_in = person.client.sign_in("/api/v1/auth/login", login, title="")

        answer = raw(person.client, "GET", "/api/v1/stores/me")

        assert signed_in["active_store_id"] == ""
        assert (answer.status, reason_of(answer)) == (403, "FORBIDDEN")
        assert detail(answer, "ErrorInfo")["metadata"]["needs"] == "active store"

    def test_a_wrong_role_is_403(self, market: Market) -> None:
        answer = raw(market.buyer, "GET", "/api/v1/vendor/products")

        assert (answer.status, reason_of(answer)) == (403, "FORBIDDEN")
        assert detail(answer, "ErrorInfo")["metadata"]["needs"] == "vendor store"


class TestForeignObjects:
    def test_look_like_missing_ones_to_the_byte_on_every_route(self, market: Market) -> None:
        order = market.order()
        order_id, line = order["order_id"], order["items"][0]["line_item_id"]
        product = market.product()
        cart = market.quote((product, 1))
        media_id = market.cast.upload(
            market.people.vendor_a, kind="license_doc", mime_type="application/pdf", data=b"%PDF-1.4", name="x"
        )
        notice = market.vendor.get("/api/v1/notifications")["items"][0]["id"]
        stranger, rival = market.people.outsider.client, market.people.vendor_b.client
        agent = market.other_agent.client
        line_body = {"line_item_id": line, "decision": "accept"}
        cash = {"amount_cents": order["total_cents"], "currency": "USD"}
        photo = {"kind": "photo", "mime_type": "image/png", "size_bytes": "5"}
        licence = {"media_id": media_id, "issuing_state": "OK", "type": "grower", "number": "n"}
        routes: list[tuple[RestClient, str, str, str, Any]] = [
            (stranger, "GET", "/api/v1/products/{}", product["id"], None),
            (stranger, "GET", "/api/v1/orders/{}", order_id, None),
            (stranger, "POST", "/api/v1/orders/{}/cancel", order_id, {}),
            (stranger, "GET", "/api/v1/checkout/{}/confirmation", order["checkout_group_id"], None),
            (stranger, "POST", "/api/v1/checkout", cart["id"], market.checkout_body(cart)),
            (rival, "POST", "/api/v1/vendor/orders/{}/decision", order_id, {"decision": "accept"}),
            (rival, "POST", "/api/v1/vendor/orders/{}/line-items/decision", order_id, line_body),
            (rival, "POST", "/api/v1/vendor/orders/{}/fulfill", order_id, {}),
            (rival, "PUT", "/api/v1/inventory/{}", product["id"], {"available_qty": 1}),
            (rival, "GET", "/api/v1/media/{}/url", media_id, None),
            (rival, "POST", "/api/v1/media/finalize", media_id, {"media_id": media_id}),
            (rival, "POST", "/api/v1/licenses", media_id, licence),
            (rival, "POST", "/api/v1/notifications/{}/read", notice, {}),
            (agent, "GET", "/api/v1/agent/orders/{}", order_id, None),
            (agent, "POST", "/api/v1/agent/orders/{}/pickup", order_id, {}),
            (agent, "POST", "/api/v1/agent/orders/{}/deliver", order_id, {}),
            (agent, "POST", "/api/v1/agent/orders/{}/proof-uploads", order_id, photo),
            (agent, "POST", "/api/v1/agent/orders/{}/cash-collected", order_id, cash),
            (stranger, "GET", "/api/v1/orders/{}/delivery-code", order_id, None),
        ]

        for client, method, path, foreign_id, body in routes:
            foreign = self._call(client, method, path, foreign_id, foreign_id, body)
            missing = self._call(client, method, path, foreign_id, str(uuid.uuid4()), body)
            assert foreign[0] == 404, (method, path, foreign)
            assert foreign == missing, (method, path)

    def _call(
        self, client: RestClient, method: str, path: str, known: str, wanted: str, body: Any
    ) -> tuple[int, bytes, dict[str, str]]:
        sent = {name: wanted if value == known else value for name, value in (body or {}).items()}
        headers = {"authorization": f"Bearer {client.access_token}", "idempotency-key": uuid.uuid4().hex}
        response = requests.request(
            method,
            client.base_url + path.format(wanted),
            json=None if body is None else sent,
            headers=headers,
            timeout=30,
        )
        own = {"date", "x-request-id", "x-envoy-upstream-service-time"}
        return (
            response.status_code,
            response.content,
            {k: v for k, v in response.headers.items() if k.lower() not in own},
        )


class TestFiles:
    def test_have_no_address_at_the_gateway(self, market: Market) -> None:
        media_id = market.cast.upload(
            market.people.vendor_a, kind="license_doc", mime_type="application/pdf", data=b"%PDF-1.4", name="x"
        )
        signed = market.vendor.get(f"/api/v1/media/{media_id}/url")["url"]
        at_the_store = urlsplit(signed).path
        stranger = RestClient(market.vendor.base_url, market.cast.journal)
        key = at_the_store.split("/", 2)[2]

        routes = [at_the_store, f"/{key}", f"/storage/v1/b/x/o/{key}", f"/api/v1/media/{key}"]
        statuses = [raw(stranger, "GET", route).status for route in routes]
        asked = raw(stranger, "GET", f"/api/v1/media/{media_id}/url")

        assert statuses == [404] * 4
        assert asked.status == 401


class TestNumbers:
    def test_are_there_for_both_sides_and_any_window(self, market: Market) -> None:
        path = "/api/v1/analytics/marketplace"
        window = {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00.000Z"}

        answers = [client.get(path, query=window) for client in (market.vendor, market.buyer)]
        backwards = raw(market.buyer, "GET", f"{path}?from=2026-03-01T00:00:00Z&to=2026-01-01T00:00:00Z")

        for answer in answers:
            assert (answer["from"], answer["to"]) == ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")
            assert (answer["orders"], answer["top_products"], len(answer["series"])) == ("0", [], 60)
        assert market.buyer.get(path, query={"preset": "1y"})["currency"] == "USD"
        assert (backwards.status, detail(backwards, "BadRequest")["field_violations"][0]["field"]) == (400, "to")


class TestBadInput:
    @pytest.mark.parametrize(
        ("path", "data", "field"),
        [
            ("/api/v1/cart", b"{not json", "body"),
            ("/api/v1/cart", b'{"buyer_store_id": 7', "body"),
            ("/api/v1/checkout", b'{"payment_method": "gold"}', "payment_method"),
            ("/api/v1/checkout", b'{"tip_cents": "lots"}', "tip_cents"),
            ("/api/v1/cart", b"x" * 1_000_000, "body"),
        ],
        ids=["malformed", "cut off", "unknown enum", "word for number", "a megabyte of junk"],
    )
    def test_is_400_naming_the_field(self, market: Market, path: str, data: bytes, field: str) -> None:
        answer = raw(market.buyer, "POST", path, data=data, key=uuid.uuid4().hex)

        assert (answer.status, reason_of(answer)) == (400, "VALIDATION_ERROR")
        named = [item["field"] for item in detail(answer, "BadRequest")["field_violations"]]
        assert named == [field]

    def test_negative_money_and_foreign_words_name_every_field(self, market: Market) -> None:
        body = product_body("x", price_cents="-1", moq=0, thc_percent="much")

        answer = raw(market.vendor, "POST", "/api/v1/vendor/products", body=body, key=uuid.uuid4().hex)

        named = {item["field"] for item in detail(answer, "BadRequest")["field_violations"]}
        assert answer.status == 400
        assert named == {"price_cents", "moq", "thc_percent"}

    def test_a_tier_with_a_fixed_price_is_400(self, market: Market) -> None:
        tiers = [{"min_qty": 10, "unit_price_cents": "900"}]
        body = product_body("x", price_cents="1000", moq=1, volume_discounts=tiers)

        answer = raw(market.vendor, "POST", "/api/v1/vendor/products", body=body, key=uuid.uuid4().hex)

        named = [item["field"] for item in detail(answer, "BadRequest")["field_violations"]]
        assert (answer.status, named) == (400, ["volume_discounts[0].unit_price_cents"])

    def test_a_missing_key_is_400(self, market: Market) -> None:
        answer = raw(market.vendor, "POST", "/api/v1/vendor/products", body=product_body("x", price_cents="1", moq=1))

        assert (answer.status, reason_of(answer)) == (400, "IDEMPOTENCY_KEY_MISSING")

    def test_a_reused_key_is_409(self, market: Market) -> None:
        key = uuid.uuid4().hex
        first = product_body(f"k-{key[:8]}", price_cents="1", moq=1)
        assert raw(market.vendor, "POST", "/api/v1/vendor/products", body=first, key=key).status == 200

        answer = raw(market.vendor, "POST", "/api/v1/vendor/products", body={**first, "title": "other"}, key=key)

        assert (answer.status, reason_of(answer)) == (409, "IDEMPOTENCY_KEY_REUSED")
        assert detail(answer, "ErrorInfo")["metadata"]["fix"]

    def test_a_garbage_cursor_is_400(self, market: Market) -> None:
        answer = raw(market.buyer, "GET", "/api/v1/orders?cursor=garbage")

        assert (answer.status, detail(answer, "BadRequest")["field_violations"][0]["field"]) == (400, "cursor")


class TestWrongStates:
    def test_are_409_with_what_would_fix_them(self, market: Market) -> None:
        order = market.order()
        path = f"/api/v1/vendor/orders/{order['order_id']}"
        market.vendor.post(f"{path}/decision", {"decision": "accept"})

        answer = raw(market.vendor, "POST", f"{path}/decision", body={"decision": "accept"}, key=uuid.uuid4().hex)

        assert (answer.status, reason_of(answer)) == (409, "ORDER_STATE_INVALID")
        assert detail(answer, "ErrorInfo")["metadata"]["state"] == "accepted"
        assert detail(answer, "PreconditionFailure")["violations"][0]["description"]

    def test_a_converted_cart_answers_its_result_again_and_can_not_change(self, market: Market) -> None:
        cart = market.quote((market.product(), 1))
        first = market.buyer.post("/api/v1/checkout", market.checkout_body(cart), expect=201)

        again = market.buyer.post("/api/v1/checkout", market.checkout_body(cart), expect=201)

        assert again == first
        assert len([o for o in self._orders(market) if o["checkout_group_id"] == first["checkout_group_id"]]) == 1

    def test_a_line_without_stock_is_rejected_and_the_rest_stands(self, market: Market) -> None:
        scarce, plenty = market.product(), market.product()
        cart = market.quote((scarce, 5), (plenty, 2))
        market.vendor.send("PUT", f"/api/v1/inventory/{scarce['id']}", body={"available_qty": 4}, key=uuid.uuid4().hex)

        answer = market.buyer.post("/api/v1/checkout", market.checkout_body(cart), expect=201)

        lines = {item["product_id"]: item for item in answer["vendor_orders"][0]["items"]}
        assert (lines[scarce["id"]]["status"], lines[scarce["id"]]["notes"]) == ("rejected", "insufficient_inventory")
        assert lines[plenty["id"]]["status"] == "pending"
        assert answer["vendor_orders"][0]["total_cents"] == "1000"

    def _orders(self, market: Market) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = market.buyer.get("/api/v1/orders", query={"limit": 100})["items"]
        return orders


class TestDependencies:
    def test_a_frozen_one_is_503_with_retry_after_and_nothing_half_written(
        self, mesh: RunningMesh, market: Market
    ) -> None:
        product = market.product()
        cart = market.quote((product, 3))
        key = uuid.uuid4().hex
        with mesh.frozen("catalog"):
            answer = raw(market.buyer, "POST", "/api/v1/checkout", body=market.checkout_body(cart), key=key)
        before = market.buyer.get("/api/v1/cart")

        result = market.buyer.post("/api/v1/checkout", market.checkout_body(cart), expect=201, key=key)

        assert (answer.status, reason_of(answer)) == (503, "DEPENDENCY_ERROR")
        assert int(answer.headers["retry-after"]) >= 1
        assert before["status"] == "active"
        assert len(result["vendor_orders"]) == 1

    def test_everything_adds_up_after_all_of_this(self, mesh: RunningMesh, market: Market) -> None:
        mesh.wait_ready()

        assert prove_everything(settle_s=60) == []


class TestLogs:
    def test_carry_one_request_and_one_trace_through_every_service_it_touches(
        self, mesh: RunningMesh, market: Market
    ) -> None:
        body = market.checkout_body(market.quote((market.product(), 1)))
        request_id = f"followed-{uuid.uuid4().hex}"
        headers = {"x_request_id": request_id, "traceparent": f"00-{uuid.uuid4().hex}-{'a' * 16}-01"}
        touched = {"commerce": "rpc", "catalog": "rpc", "finance": "event", "identity": "event", "analytics": "event"}

        answer = raw(market.buyer, "POST", "/api/v1/checkout", body=body, key=uuid.uuid4().hex, **headers)
        lines = until("a line of each", lambda: self._lines_of_all(mesh, request_id, touched), seconds=60)

        assert (answer.status, answer.headers["x-request-id"]) == (201, request_id)
        assert {line["trace_id"] for line in lines} == {headers["traceparent"][3:35]}

    def _lines_of_all(self, mesh: RunningMesh, request_id: str, touched: dict[str, str]) -> list[dict[str, Any]]:
        """Return every line of the request, once each service has written the kind it should; else nothing."""
        texts = [path.read_text() for path in (mesh.state / "logs").glob("*.log")]
        found = [
            json.loads(line) for text in texts for line in text.splitlines() if request_id in line and line[0] == "{"
        ]
        lines = [line for line in found if "service" in line]
        written = {(line["service"], line["event"]) for line in lines}
        return lines if touched.items() <= written else []


class TestPages:
    def test_health_documents_and_keys_are_served(self, mesh: RunningMesh) -> None:
        live = requests.get(f"{mesh.url}/health/live", timeout=5)
        openapi = requests.get(f"{mesh.url}/openapi.json", timeout=5).json()
        docs = requests.get(f"{mesh.url}/docs", timeout=5)
        keys = requests.get(f"{mesh.url}/.well-known/jwks.json", timeout=5).json()

        assert live.json() == {"status": "live"}
        assert openapi["openapi"].startswith("3.1")
        assert "/api/v1/checkout" in openapi["paths"]
        assert docs.headers["content-type"].startswith("text/html")
        assert [key["alg"] for key in keys["keys"]] == ["ES256"]

    def test_both_prefixes_answer_alike(self, market: Market) -> None:
        for path in ("/api/v1/stores/me", "/v1/stores/me"):
            assert raw(market.buyer, "GET", path).body["id"] == market.people.buyer.store_id
