"""PostBatch and holds through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.finance.v1 import ledger_pb2
from marketmesh.finance.v1 import ledger_service_pb2 as messages
from services.finance.ledger.usecases.expire_holds import expire_holds
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.books import Books, Outcome, account, entry
from tests.support.mesh_harness import MeshHarness, Refused

Status = ledger_pb2.HoldStatus.Value


def posting(kind: str, cents: int, owner: str = "", currency: str = "USD") -> messages.BatchPosting:
    return messages.BatchPosting(account=account(kind, owner, currency), amount_cents=cents)


class TestPostBatch:
    def test_posts_each_entry_and_tells_its_id(self, mesh: MeshHarness, books: Books) -> None:
        vendor = str(uuid.uuid4())

        results = books.post(*[entry(vendor, cents) for cents in (100, 20, 3)])

        assert [result.outcome for result in results] == [Outcome.posted] * 3
        assert books.account_of(vendor).balance_cents == -123
        found = books.read("GetEntry", entry_id=results[1].entry_id)
        assert [side.amount_cents for side in found.postings] == [20, -20]
        assert found.key == results[1].key
        with mesh.transaction("finance") as tx:
            assert prove_money(tx) == []

    def test_knows_an_entry_again_and_refuses_another_under_its_key(self, books: Books) -> None:
        vendor = str(uuid.uuid4())
        first = entry(vendor)
        other = entry(vendor, 501, key=first.key, cause_id=first.cause_id)
        (posted,) = books.post(first)

        again, changed = books.post(first, other)

        assert (again.outcome, again.entry_id) == (Outcome.duplicate, posted.entry_id)
        assert (changed.outcome, changed.reason, changed.field) == (Outcome.refused, "KEY_REUSED", "key")
        assert books.account_of(vendor).balance_cents == -500

    def test_tells_twins_of_one_batch_apart(self, books: Books) -> None:
        vendor = str(uuid.uuid4())
        one = entry(vendor)
        other = entry(vendor, 7, key=one.key)

        outcomes = [result.outcome for result in books.post(one, one, other)]

        assert outcomes == [Outcome.posted, Outcome.duplicate, Outcome.refused]
        assert books.account_of(vendor).balance_cents == -500

    @pytest.mark.parametrize(
        ("changes", "reason", "field"),
        [
            ({"postings": []}, "TOO_FEW_POSTINGS", "postings"),
            ({"postings": [posting("cash_clearing", 5)]}, "TOO_FEW_POSTINGS", "postings"),
            (
                {"postings": [posting("cash_clearing", 0), posting("platform_fee", 0)]},
                "ZERO_AMOUNT",
                "postings[0].amount_cents",
            ),
            (
                {"postings": [posting("cash_clearing", 5), posting("vendor_payable", -5)]},
                "OWNER_MISSING",
                "postings[1].account.owner_id",
            ),
            (
                {"postings": [posting("cash_clearing", 5), posting("platform_fee", -5, str(uuid.UUID(int=7)))]},
                "OWNER_UNEXPECTED",
                "postings[1].account.owner_id",
            ),
            ({"postings": [posting("cash_clearing", 5), posting("platform_fee", -4)]}, "UNBALANCED", "postings"),
            (
                {"postings": [posting("cash_clearing", 5), posting("platform_fee", -5, currency="EUR")]},
                "UNBALANCED",
                "postings",
            ),
            ({"effective_on": "2026-02-30"}, "INVALID_DATE", "effective_on"),
            ({"effective_on": "9999-01-01"}, "FUTURE_DATE", "effective_on"),
        ],
        ids=["none", "one", "zero", "no owner", "an owner", "short", "two currencies", "no day", "tomorrow"],
    )
    def test_refuses_one_entry_and_posts_the_others(
        self, books: Books, changes: dict[str, Any], reason: str, field: str
    ) -> None:
        vendor = str(uuid.uuid4())

        wrong, right = books.post(entry(vendor, 1, **changes), entry(vendor))

        assert (wrong.outcome, wrong.reason, wrong.field, wrong.entry_id) == (Outcome.refused, reason, field, "")
        assert right.outcome == Outcome.posted
        assert books.account_of(vendor).balance_cents == -500

    @pytest.mark.parametrize("cents", [10**15 + 1, -(2**63), 2**63 - 1])
    def test_refuses_huge_sums_before_anything_is_written(self, books: Books, cents: int) -> None:
        vendor = str(uuid.uuid4())
        sides = [posting("cash_clearing", cents), posting("vendor_payable", 1, vendor)]

        with pytest.raises(Refused) as refused:
            books.post(entry(vendor), entry(vendor, postings=sides))

        assert [item.field for item in refused.value.violations] == ["entries[1].postings[0].amount_cents"]
        assert list(books.read("ListAccounts", owner_id=vendor).items) == []

    def test_leaves_the_money_of_orders_to_finance(self, books: Books) -> None:
        with pytest.raises(Refused) as refused:
            books.post(entry(str(uuid.uuid4()), type="cash_collected"))

        assert [item.field for item in refused.value.violations] == ["entries[0].type"]

    def test_posts_once_under_the_same_batches_at_once(self, mesh: MeshHarness, books: Books) -> None:
        vendor, start = str(uuid.uuid4()), threading.Barrier(6)
        batch = [entry(vendor) for _ in range(10)]

        def post(number: int) -> list[int]:
            start.wait(10)
            ordered = batch if number % 2 else batch[::-1]
            return [result.outcome for result in books.post(*ordered)]

        with ThreadPoolExecutor(6) as pool:
            outcomes = [outcome for outcomes in pool.map(post, range(6)) for outcome in outcomes]

        assert outcomes.count(Outcome.posted) == len(batch)
        assert outcomes.count(Outcome.duplicate) == 5 * len(batch)
        assert books.account_of(vendor).balance_cents == -5_000
        with mesh.transaction("finance") as tx:
            assert prove_money(tx) == []


class TestPlaceHold:
    def test_keeps_money_back_once(self, books: Books) -> None:
        vendor, key = books.owed(500), uuid.uuid4().hex

        hold = books.hold(vendor, 300, key=key)
        again = books.hold(vendor, 300, key=key)

        assert again == hold
        assert hold.status == Status.pending
        found = books.account_of(vendor)
        assert (found.balance_cents, found.held_cents) == (-500, 300)

    def test_never_holds_more_than_there_is(self, books: Books) -> None:
        vendor = books.owed(500)
        books.hold(vendor, 300)

        with pytest.raises(Refused) as refused:
            books.hold(vendor, 201)

        assert (refused.value.reason, refused.value.metadata["available_cents"]) == ("HOLD_NOT_COVERED", "200")
        assert books.account_of(vendor).held_cents == 300

    def test_never_holds_more_under_calls_at_once(self, books: Books) -> None:
        vendor, start = books.owed(500), threading.Barrier(6)

        def hold(_: int) -> bool:
            start.wait(10)
            try:
                books.hold(vendor, 200)
            except Refused as refusal:
                assert refusal.reason == "HOLD_NOT_COVERED"  # noqa: PT017
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(hold, range(6))) == 2
        assert books.account_of(vendor).held_cents == 400

    def test_refuses_a_key_with_another_sum(self, books: Books) -> None:
        vendor, key = books.owed(500), uuid.uuid4().hex
        books.hold(vendor, 300, key=key)

        with pytest.raises(Refused) as refused:
            books.hold(vendor, 100, key=key)

        assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


class TestPostHold:
    def test_moves_the_money_once(self, books: Books) -> None:
        vendor = books.owed(500)
        hold = books.hold(vendor, 300)

        posted = books.post_hold(hold.hold_id)

        assert posted.status == Status.posted
        found = books.account_of(vendor)
        assert (found.balance_cents, found.held_cents) == (-200, 0)
        made = books.read("GetEntry", entry_id=posted.entry_id)
        assert (made.cause_type, made.cause_id) == ("hold", hold.hold_id)
        with pytest.raises(Refused) as refused:
            books.post_hold(hold.hold_id)
        assert (refused.value.reason, refused.value.metadata["state"]) == ("HOLD_NOT_PENDING", "posted")
        assert books.account_of(vendor).balance_cents == -200

    @pytest.mark.parametrize(
        ("to", "field"),
        [
            (account("cash_clearing", currency="EUR"), "to.currency"),
            (account("vendor_payable"), "to.owner_id"),
            (account("platform_fee", str(uuid.UUID(int=7))), "to.owner_id"),
        ],
        ids=["currency", "owner missing", "owner unexpected"],
    )
    def test_refuses_a_wrong_target(self, books: Books, to: ledger_pb2.AccountName, field: str) -> None:
        vendor = books.owed(500)
        hold = books.hold(vendor, 300)

        with pytest.raises(Refused) as refused:
            books.post_hold(hold.hold_id, to)

        assert [item.field for item in refused.value.violations] == [field]
        found = books.account_of(vendor)
        assert (found.balance_cents, found.held_cents) == (-500, 300)


class TestVoidHold:
    def test_lets_go_once(self, books: Books) -> None:
        vendor = books.owed(500)
        hold = books.hold(vendor, 300)

        assert books.void_hold(hold.hold_id).status == Status.voided

        assert books.account_of(vendor).held_cents == 0
        for act in (books.void_hold, books.post_hold):
            with pytest.raises(Refused) as refused:
                act(hold.hold_id)
            assert refused.value.metadata["state"] == "voided"


class TestExpiry:
    def test_counts_before_the_job_comes_by(self, mesh: MeshHarness, books: Books) -> None:
        vendor = books.owed(500)
        hold = books.hold(vendor, 300, expires_in_s=60)
        mesh.clock.advance(timedelta(seconds=60))

        with pytest.raises(Refused) as refused:
            books.post_hold(hold.hold_id)

        assert refused.value.metadata["state"] == "expired"
        with mesh.transaction("finance") as tx:
            assert expire_holds(tx) >= 1
        assert books.account_of(vendor).held_cents == 0
        rows = mesh.rows("finance", "SELECT status FROM holds WHERE id = CAST(:id AS uuid)", id=hold.hold_id)
        assert [row.status for row in rows] == ["expired"]
