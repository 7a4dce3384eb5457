"""Campaigns and serving through the whole chain."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import text

from marketmesh.ads.v1 import ad_service_pb2 as messages
from marketmesh.ads.v1 import ad_service_pb2_grpc as stubs
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.ids import derived_id
from services.ads.campaigns.usecases.create_ad import URL_MAX
from services.ads.settings import AdsSettings
from tests.support.mesh_harness import MeshHarness, Refused, as_dict

Status, Placement, Target = messages.AdStatus.Value, messages.AdPlacement.Value, messages.AdTarget.Value


@dataclass
class Market:
    """Stores of one state of its own, so that no campaign of another test bids."""

    mesh: MeshHarness
    state: str = field(default_factory=lambda: uuid.uuid4().hex[:6])

    def __post_init__(self) -> None:
        self.ads = self.mesh.stub(stubs.AdServiceStub, "ads")

    def gate(self, store_id: uuid.UUID, **changes: Any) -> uuid.UUID:
        """Report what a store may do; a vendor with everything unless changed."""
        fields = {
            "store_id": str(store_id),
            "type": "vendor",
            "state": self.state,
            "kyc_status": "verified",
            "subscription_active": True,
            "version": 1,
        }
        self.mesh.deliver("ads", identity.StoreGateChanged(**{**fields, **changes}))
        return store_id

    def vendor(self, **changes: Any) -> uuid.UUID:
        """Report a new vendor."""
        return self.gate(uuid.uuid4(), **changes)

    def buyer(self) -> uuid.UUID:
        """Report a new buyer."""
        return self.gate(uuid.uuid4(), type="buyer", subscription_active=False)

    def request(self, store_id: uuid.UUID, **changes: Any) -> messages.CreateAdRequest:
        """Return a campaign for a store."""
        fields = {
            "status": Status.active,
            "placement": Placement.hero,
            "target_type": Target.store,
            "target_id": str(store_id),
            "bid_cents": 500,
            "daily_budget_cents": 10_000,
            "creatives": [messages.Creative(destination_url="https://shop.example.com/a", headline="Buy", body="Now")],
        }
        return messages.CreateAdRequest(**{**fields, **changes})

    def create(self, store_id: uuid.UUID, *, role: str = "owner", **changes: Any) -> messages.Ad:
        """Create a campaign."""
        answer: messages.Ad = self.mesh.write(
            self.ads.CreateAd, self.request(store_id, **changes), token=self.mesh.store_token(store_id, role=role)
        )
        return answer

    def serve(
        self, buyer: uuid.UUID, placement: messages.AdPlacement.Value = Placement.hero
    ) -> messages.ServeAdResponse:
        """Ask for the ad of a placement."""
        answer: messages.ServeAdResponse = self.mesh.read(
            self.ads.ServeAd,
            messages.ServeAdRequest(placement=placement),
            token=self.mesh.store_token(buyer, store_type="buyer"),
        )
        return answer

    def rows(self, store_id: uuid.UUID) -> list[Any]:
        """Return a store's campaigns."""
        return self.mesh.rows("ads", "SELECT * FROM ads WHERE store_id = :id", id=store_id)


@pytest.fixture
def market(mesh: MeshHarness) -> Market:
    return Market(mesh)


def instant(mesh: MeshHarness, **delta: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(mesh.clock.now() + timedelta(**delta))
    return stamp


class TestCreateAd:
    def test_creates_a_campaign_with_its_creatives_in_order(self, mesh: MeshHarness, market: Market) -> None:
        vendor = market.vendor()
        creatives = [
            messages.Creative(destination_url=f"https://shop.example.com/{name}", headline=name) for name in "cab"
        ]
        starts, ends = instant(mesh, days=1), instant(mesh, days=2)

        ad = market.create(vendor, status=Status.draft, creatives=creatives, starts_at=starts, ends_at=ends)

        told = as_dict(ad)
        assert (told["status"], told["placement"], told["target_type"]) == ("draft", "hero", "store")
        assert (ad.store_id, ad.target_id, ad.currency) == (str(vendor), str(vendor), "USD")
        assert (ad.bid_cents, ad.daily_budget_cents) == (500, 10_000)
        assert (ad.starts_at, ad.ends_at) == (starts, ends)
        assert [item.headline for item in ad.creatives] == ["c", "a", "b"]
        assert len({item.id for item in ad.creatives}) == 3

    def test_replays_and_creates_once(self, mesh: MeshHarness, market: Market) -> None:
        vendor, key = market.vendor(), uuid.uuid4().hex
        token = mesh.store_token(vendor, user_id=uuid.uuid4())

        first, second = (
            mesh.call(market.ads.CreateAd, market.request(vendor), token=token, key=key)[0] for _ in range(2)
        )

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert len(market.rows(vendor)) == 1

    def test_names_what_it_makes_by_its_flow(self, mesh: MeshHarness, market: Market) -> None:
        vendor, key = market.vendor(), uuid.uuid4().hex
        request = market.request(vendor, creatives=[messages.Creative(destination_url="https://shop.example.com")] * 2)

        ad: messages.Ad = mesh.call(market.ads.CreateAd, request, token=mesh.store_token(vendor), key=key)[0]

        ((flow_id,),) = mesh.rows("ads", "SELECT flow_id FROM idempotency_keys WHERE key = :key", key=key)
        assert ad.id == str(derived_id(flow_id, "ad"))
        assert [item.id for item in ad.creatives] == [str(derived_id(flow_id, "creative", place)) for place in (0, 1)]

    def test_audits_it(self, mesh: MeshHarness, market: Market) -> None:
        ad = market.create(market.vendor())

        rows = mesh.rows("ads", "SELECT action, outcome, after FROM audit_log WHERE target = :id", id=ad.id)
        assert [(row.action, row.outcome, row.after) for row in rows] == [
            ("ad.create", "ok", {"status": "active", "bid_cents": 500})
        ]

    @pytest.mark.parametrize("kyc", ["pending_verification", "verified", "rejected", "expired", "suspended"])
    @pytest.mark.parametrize("subscribed", [True, False])
    def test_needs_licence_and_subscription(self, market: Market, *, kyc: str, subscribed: bool) -> None:
        vendor = market.vendor(kyc_status=kyc, subscription_active=subscribed)
        if kyc == "verified" and subscribed:
            assert market.create(vendor).store_id == str(vendor)
            return

        with pytest.raises(Refused) as refused:
            market.create(vendor)

        needs = "active subscription" if kyc == "verified" else "verified licence"
        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "VENDOR_NOT_ELIGIBLE")
        assert refused.value.metadata["needs"] == needs
        assert market.rows(vendor) == []

    def test_needs_to_have_heard_of_the_vendor(self, market: Market) -> None:
        vendor = uuid.uuid4()

        with pytest.raises(Refused) as refused:
            market.create(vendor)

        assert refused.value.reason == "VENDOR_NOT_ELIGIBLE"

    def test_follows_the_newest_gate(self, market: Market) -> None:
        vendor = market.vendor(version=5)
        market.gate(vendor, version=4, kyc_status="rejected")
        market.create(vendor)
        market.gate(vendor, version=6, subscription_active=False)

        with pytest.raises(Refused):
            market.create(vendor)

        assert len(market.rows(vendor)) == 1

    @pytest.mark.parametrize(
        ("changes", "bad"),
        [
            ({"status": Status.paused}, "status"),
            ({"placement": 0}, "placement"),
            ({"target_type": 9}, "target_type"),
            ({"target_id": "me"}, "target_id"),
            ({"bid_cents": -1}, "bid_cents"),
            ({"bid_cents": None}, "bid_cents"),
            ({"daily_budget_cents": None}, "daily_budget_cents"),
            ({"daily_budget_cents": 100_000_000_001}, "daily_budget_cents"),
            ({"creatives": []}, "creatives"),
            ({"creatives": [messages.Creative(destination_url="nowhere")]}, "creatives[0].destination_url"),
            ({"creatives": [messages.Creative(destination_url="javascript:alert(1)")]}, "creatives[0].destination_url"),
            (
                {"creatives": [messages.Creative(destination_url="https://a.example/" + "x" * URL_MAX)]},
                "creatives[0].destination_url",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_names_the_bad_field(self, market: Market, changes: dict[str, Any], bad: str) -> None:
        vendor = market.vendor()

        with pytest.raises(Refused) as refused:
            market.create(vendor, **changes)

        assert (refused.value.reason, [item.field for item in refused.value.violations]) == ("VALIDATION_ERROR", [bad])
        assert market.rows(vendor) == []

    def test_says_how_a_path_of_other_letters_is_written(self, market: Market) -> None:
        creatives = [messages.Creative(destination_url="https://shop.example.com/büc\u200bher")]

        with pytest.raises(Refused) as refused:
            market.create(market.vendor(), creatives=creatives)

        (violation,) = refused.value.violations
        assert "ASCII" in violation.description
        assert "%XX" in violation.description

    @pytest.mark.parametrize(
        "url",
        ["http://shop.example.com/a", "https://user:pass@shop.example.com/a", "https://shop.example.com:8443/a"],
    )
    def test_leads_nowhere_but_to_a_plain_https_address(self, market: Market, url: str) -> None:
        vendor = market.vendor()
        creatives = [messages.Creative(destination_url=at) for at in ("https://shop.example.com/", url)]

        with pytest.raises(Refused) as refused:
            market.create(vendor, creatives=creatives)

        assert [item.field for item in refused.value.violations] == ["creatives[1].destination_url"]
        assert market.rows(vendor) == []

    def test_gives_an_international_destination_back_as_browsers_see_it(self, market: Market) -> None:
        creatives = [messages.Creative(destination_url="HTTPS://Bücher.example:443/A")]

        ad = market.create(market.vendor(), creatives=creatives)

        assert [item.destination_url for item in ad.creatives] == ["https://xn--bcher-kva.example/A"]

    def test_ends_after_it_starts(self, mesh: MeshHarness, market: Market) -> None:
        vendor, now = market.vendor(), instant(mesh)

        with pytest.raises(Refused) as refused:
            market.create(vendor, starts_at=now, ends_at=now)

        assert [item.field for item in refused.value.violations] == ["ends_at"]

    def test_targets_ones_own_store(self, market: Market) -> None:
        vendor = market.vendor()

        with pytest.raises(Refused) as refused:
            market.create(vendor, target_id=str(uuid.uuid4()))

        assert [item.field for item in refused.value.violations] == ["target_id"]
        assert market.rows(vendor) == []

    @pytest.mark.parametrize("role", ["viewer", "staff", "ops", "agent"])
    def test_needs_a_role_that_may_spend(self, market: Market, role: str) -> None:
        vendor = market.vendor()

        with pytest.raises(Refused) as refused:
            market.create(vendor, role=role)

        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "FORBIDDEN")
        assert market.rows(vendor) == []

    def test_serves_vendors_only(self, mesh: MeshHarness, market: Market) -> None:
        vendor = market.vendor()
        tokens = {
            "nobody": "",
            "buyer": mesh.store_token(vendor, store_type="buyer"),
            "admin": mesh.admin_token(),
            "agent": mesh.agent_token(),
            "service": mesh.service_token(),
        }

        codes = {}
        for name, token in tokens.items():
            with pytest.raises(Refused) as refused:
                mesh.call(market.ads.CreateAd, market.request(vendor), token=token, key=uuid.uuid4().hex)
            codes[name] = refused.value.code

        assert codes.pop("buyer") == "PERMISSION_DENIED"
        assert set(codes.values()) == {"UNAUTHENTICATED"}
        assert market.rows(vendor) == []


class TestServeAd:
    def test_shows_the_highest_bid(self, market: Market) -> None:
        market.create(market.vendor(), bid_cents=700)
        best = market.create(market.vendor(), bid_cents=701)
        market.create(market.vendor(), bid_cents=9_999, placement=Placement.store)

        shown = market.serve(market.buyer())

        assert shown.ad_id == best.id
        assert (shown.placement, shown.target_type, shown.target_id) == (Placement.hero, Target.store, best.store_id)
        assert shown.creative == best.creatives[0]

    def test_breaks_ties_by_the_hash_of_the_request(self, mesh: MeshHarness, market: Market) -> None:
        import hashlib

        ads = [market.create(market.vendor()) for _ in range(3)]
        buyer, day = market.buyer(), mesh.clock.now().strftime("%Y%m%d")

        for _ in range(10):
            shown = market.serve(buyer)
            ranks = {
                hashlib.sha256(f"{shown.request_id}|hero|{day}|{ad.id}".encode()).digest()[:8]: ad.id for ad in ads
            }
            assert shown.ad_id == ranks[min(ranks)]

    @pytest.mark.parametrize("status", ["draft", "paused", "exhausted", "expired", "archived"])
    def test_shows_active_campaigns_only(self, mesh: MeshHarness, market: Market, status: str) -> None:
        ad = market.create(market.vendor())
        with mesh.as_owner("ads") as tx:
            tx.execute(
                text("UPDATE ads SET status = :status WHERE id = CAST(:id AS uuid)"), {"status": status, "id": ad.id}
            )

        assert market.serve(market.buyer()) == messages.ServeAdResponse()

    @pytest.mark.parametrize(
        ("starts", "ends", "shown"),
        [(None, None, True), (0, 1, True), (-1, 0, False), (1, 2, False), (None, 1, True), (0, None, True)],
    )
    def test_shows_campaigns_inside_their_time(
        self, mesh: MeshHarness, market: Market, *, starts: int | None, ends: int | None, shown: bool
    ) -> None:
        window = {"starts_at": starts, "ends_at": ends}
        given = {name: instant(mesh, hours=hours) for name, hours in window.items() if hours is not None}
        ad = market.create(market.vendor(), **given)

        assert market.serve(market.buyer()).ad_id == (ad.id if shown else "")

    @pytest.mark.parametrize(
        "change",
        [{"kyc_status": "expired"}, {"subscription_active": False}, {"state": "elsewhere"}, {"type": "buyer"}],
        ids=str,
    )
    def test_leaves_out_vendors_that_may_not_trade_here(self, market: Market, change: dict[str, Any]) -> None:
        vendor = market.vendor()
        ad = market.create(vendor)
        buyer = market.buyer()
        before = market.serve(buyer).ad_id

        market.gate(vendor, version=2, **change)

        assert (before, market.serve(buyer)) == (ad.id, messages.ServeAdResponse())

    def test_shows_nothing_to_a_buyer_it_has_not_heard_of(self, market: Market) -> None:
        market.create(market.vendor())

        assert market.serve(uuid.uuid4()) == messages.ServeAdResponse()

    def test_signs_what_a_view_and_a_click_will_bring_back(self, mesh: MeshHarness, market: Market) -> None:
        url = "https://shop.example.com/" + "x" * (URL_MAX - 25)
        ad = market.create(market.vendor(), creatives=[messages.Creative(destination_url=url)])
        buyer, now = market.buyer(), int(mesh.clock.now().timestamp())

        shown = market.serve(buyer)

        key = AdsSettings().token_key_file.read_text().strip()
        claims = {
            name: jwt.decode(token, key, algorithms=["HS256"])
            for name, token in (("impression", shown.view_token), ("click", shown.click_token))
        }
        assert len({claim.pop("token_id") for claim in claims.values()}) == 2
        for name, claim in claims.items():
            assert claim == {
                "version": 2,
                "event_type": name,
                "ad_id": ad.id,
                "creative_id": ad.creatives[0].id,
                "placement": "hero",
                "target_type": "store",
                "target_id": ad.store_id,
                "buyer_store_id": str(buyer),
                "request_id": shown.request_id,
                "destination_url": url,
                "occurred_at": now,
                "expires_at": now + 30 * 24 * 3600,
            }
        assert max(len(shown.view_token), len(shown.click_token)) <= 2_048

    def test_tells_a_buyer_no_price(self, market: Market) -> None:
        market.create(market.vendor(), bid_cents=31_337)

        shown = market.serve(market.buyer())

        claims = [
            jwt.decode(token, options={"verify_signature": False}) for token in (shown.view_token, shown.click_token)
        ]
        assert "31337" not in f"{claims}{shown}"

    def test_serves_vendors_too_since_they_may_buy(self, mesh: MeshHarness, market: Market) -> None:
        ad = market.create(market.vendor())
        request = messages.ServeAdRequest(placement=Placement.hero)

        shown = mesh.read(market.ads.ServeAd, request, token=mesh.store_token(market.vendor()))

        assert shown.ad_id == ad.id

    @pytest.mark.parametrize("who", ["nobody", "admin", "agent", "service"])
    def test_serves_stores_only(self, mesh: MeshHarness, market: Market, who: str) -> None:
        token = {
            "nobody": "",
            "admin": mesh.admin_token(),
            "agent": mesh.agent_token(),
            "service": mesh.service_token(),
        }[who]

        with pytest.raises(Refused) as refused:
            mesh.call(market.ads.ServeAd, messages.ServeAdRequest(placement=Placement.hero), token=token)

        assert refused.value.code == "UNAUTHENTICATED"
