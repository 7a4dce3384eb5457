"""Statements, causes, reversals and closed periods through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from meshkit import audit
from meshkit.market_day import market_day
from services.finance.ledger.data import books as books_sql
from services.finance.ledger.data import ledger
from services.finance.ledger.domain.ledger import Account, AccountKind, Entry, EntryType, Posting
from services.finance.ledger.domain.subject import order
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.ledger.usecases.snapshot_balances import snapshot_balances
from services.finance.proofs.usecases.keep_proof import keep_proof
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.books import Books, Kind, Outcome, entry
from tests.finance.paid_orders import Payments
from tests.support.mesh_harness import MeshHarness, Refused


class TestGetTrialBalance:
    def test_sums_to_zero_per_currency(self, books: Books, payments: Payments) -> None:
        payments.confirm(payments.due().order_id)

        trial = books.read("GetTrialBalance")

        assert [total.sum_cents for total in trial.totals] == [0] * len(trial.totals)
        assert "USD" in {total.currency for total in trial.totals}
        for line in trial.lines:
            assert line.debits_cents - line.credits_cents == line.balance_cents
        clearing = next(line for line in trial.lines if line.kind == Kind.cash_clearing and line.currency == "USD")
        assert clearing.credits_cents >= 12_345

    def test_tells_when_everything_was_recomputed(self, mesh: MeshHarness, books: Books) -> None:
        with mesh.transaction("finance") as tx:
            assert keep_proof(tx) == []

        trial = books.read("GetTrialBalance")

        assert trial.proved_at.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        assert trial.problems == 0


class TestGetStatement:
    def test_shows_the_balance_after_every_entry_page_by_page(self, books: Books) -> None:
        vendor = books.owed(100)
        books.post(*[entry(vendor, cents) for cents in (20, 3, -50, 7)])
        account_id = books.account_of(vendor).account_id

        lines, cursor = [], ""
        while True:
            page = books.read("GetStatement", account_id=account_id, limit=2, cursor=cursor)
            lines += page.items
            cursor = page.next_cursor
            if not cursor:
                break

        assert sorted(line.amount_cents for line in lines) == [-100, -20, -7, -3, 50]
        running = 0
        for line in lines:
            running += line.amount_cents
            assert line.balance_cents == running
        assert lines[-1].balance_cents == page.account.balance_cents == -80

    def test_begins_at_a_snapshot_and_comes_out_the_same(self, mesh: MeshHarness, books: Books) -> None:
        vendor = books.owed(100)
        account_id = books.account_of(vendor).account_id
        books.post(entry(vendor, 20))
        mesh.clock.advance(timedelta(hours=2))
        with mesh.transaction("finance") as tx:
            assert snapshot_balances(tx) >= 1
        with mesh.transaction("finance") as tx:
            assert snapshot_balances(tx) == 0
        books.post(entry(vendor, 3))

        page = books.read("GetStatement", account_id=account_id, limit=2)
        rest = books.read("GetStatement", account_id=account_id, limit=2, cursor=page.next_cursor)

        assert [line.balance_cents for line in (*page.items, *rest.items)] == [-100, -120, -123]
        assert page.account.balance_cents == -123
        with mesh.transaction("finance") as tx:
            assert prove_money(tx) == []
            assert ledger.balance_cents(tx, Account(AccountKind.VENDOR_PAYABLE, "USD", uuid.UUID(vendor))) == -123

    def test_knows_no_other_account(self, books: Books) -> None:
        with pytest.raises(Refused) as refused:
            books.read("GetStatement", account_id=str(uuid.uuid4()))

        assert refused.value.code == "NOT_FOUND"


class TestCauses:
    def test_lead_from_an_order_to_its_entries_and_back(self, books: Books, payments: Payments) -> None:
        order = payments.due()
        payments.confirm(order.order_id)

        found = books.read("ListEntries", cause_id=order.order_id).items

        assert [item.type for item in found] == ["cash_collected", "vendor_payout"]
        assert {item.order_id for item in found} == {order.order_id}
        for item in found:
            assert books.read("GetEntry", entry_id=item.entry_id) == item

    def test_lead_from_any_cause_to_its_entries(self, books: Books) -> None:
        event = str(uuid.uuid4())
        made = books.post(*[entry(str(uuid.uuid4()), cause_type="event", cause_id=event) for _ in range(3)])

        first = books.read("ListEntries", cause_id=event, limit=2)
        second = books.read("ListEntries", cause_id=event, limit=2, cursor=first.next_cursor)

        found = [*first.items, *second.items]
        assert {item.entry_id for item in found} == {result.entry_id for result in made}
        assert [len(first.items), len(second.items)] == [2, 1]
        assert {(item.cause_type, item.cause_id) for item in found} == {("event", event)}


class TestReverseEntry:
    def test_takes_it_back_once_and_names_it(self, mesh: MeshHarness, books: Books) -> None:
        vendor = str(uuid.uuid4())
        (posted,) = books.post(entry(vendor))

        reversing = books.write("ReverseEntry", entry_id=posted.entry_id, reason="typed twice")

        assert (reversing.reverses_id, reversing.type) == (posted.entry_id, "reversal")
        assert (reversing.reference, books.account_of(vendor).balance_cents) == ("typed twice", 0)
        assert books.read("GetEntry", entry_id=posted.entry_id).reversed_by_id == reversing.entry_id
        with pytest.raises(Refused) as refused:
            books.write("ReverseEntry", entry_id=posted.entry_id, reason="again")
        assert (refused.value.reason, refused.value.metadata["state"]) == ("ENTRY_NOT_REVERSIBLE", "reversed")
        with pytest.raises(Refused) as refused:
            books.write("ReverseEntry", entry_id=reversing.entry_id, reason="back")
        assert refused.value.metadata["state"] == "reversal"
        assert books.account_of(vendor).balance_cents == 0
        with mesh.transaction("finance") as tx:
            assert prove_money(tx) == []

    def test_takes_it_back_once_under_calls_at_once(self, books: Books) -> None:
        vendor, start = str(uuid.uuid4()), threading.Barrier(5)
        (posted,) = books.post(entry(vendor))

        def reverse(_: int) -> bool:
            start.wait(10)
            try:
                books.write("ReverseEntry", entry_id=posted.entry_id, reason="x")
            except Refused as refusal:
                assert refusal.reason == "ENTRY_NOT_REVERSIBLE"  # noqa: PT017
                return False
            return True

        with ThreadPoolExecutor(5) as pool:
            assert sum(pool.map(reverse, range(5))) == 1
        assert books.account_of(vendor).balance_cents == 0

    def test_leaves_the_entries_of_orders_alone(self, books: Books, payments: Payments) -> None:
        order = payments.collected()
        (collected,) = books.read("ListEntries", cause_id=order.order_id).items

        with pytest.raises(Refused) as refused:
            books.write("ReverseEntry", entry_id=collected.entry_id, reason="x")

        assert refused.value.metadata["state"] == "cash_collected"
        assert len(payments.postings(order)) == 2


class TestClosePeriod:
    def test_takes_no_entry_for_a_closed_day(self, mesh: MeshHarness, books: Books) -> None:
        before = books.open_day()
        closed = books.write("ClosePeriod", closed_through=before.isoformat(), reason="month is over")
        vendor = str(uuid.uuid4())

        (late,) = books.post(entry(vendor, effective_on=before.isoformat()))
        (today,) = books.post(entry(vendor))

        assert closed.closed_at.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        assert (late.outcome, late.reason, late.field) == (Outcome.refused, "PERIOD_CLOSED", "effective_on")
        assert today.outcome == Outcome.posted
        assert books.read("GetTrialBalance").closed_through == before.isoformat()
        audited = mesh.rows(
            "finance", "SELECT after FROM audit_log WHERE action = 'ledger.close_period' ORDER BY seq DESC LIMIT 1"
        )
        assert audited[0].after == {"closed_through": before.isoformat(), "reason": "month is over"}
        self._database_refuses(mesh, vendor, before)
        with pytest.raises(Refused) as refused:
            books.write("ClosePeriod", closed_through=before.isoformat(), reason="again")
        assert (refused.value.reason, refused.value.metadata["closed_through"]) == (
            "PERIOD_CLOSED",
            before.isoformat(),
        )

    def _database_refuses(self, mesh: MeshHarness, vendor: str, day: object) -> None:
        sides = (
            Posting(Account(AccountKind.CASH_CLEARING, "USD"), 5),
            Posting(Account(AccountKind.VENDOR_PAYABLE, "USD", uuid.UUID(vendor)), -5),
        )
        late = Entry(EntryType.ADJUSTMENT, order(uuid.uuid4()), sides, effective_on=day)  # type: ignore[arg-type]
        with pytest.raises(DBAPIError, match="the ledger is closed through"), mesh.transaction("finance") as tx:
            post_entries(tx, [NewEntry(late)])

    @pytest.mark.parametrize("day", ["2026-02-30", "9999-12-31"])
    def test_closes_only_days_that_are_over(self, mesh: MeshHarness, books: Books, day: str) -> None:
        for wrong in (day, market_day(mesh.clock.now()).isoformat()):
            with pytest.raises(Refused) as refused:
                books.write("ClosePeriod", closed_through=wrong, reason="x")
            assert [item.field for item in refused.value.violations] == ["closed_through"]

    def test_waits_for_whoever_is_posting(self, mesh: MeshHarness, books: Books) -> None:
        """An entry for a day that is being closed: either it is in before, or it is refused; never after."""
        day = books.open_day()
        vendor, done = uuid.uuid4(), threading.Event()
        sides = (
            Posting(Account(AccountKind.CASH_CLEARING, "USD"), 5),
            Posting(Account(AccountKind.VENDOR_PAYABLE, "USD", vendor), -5),
        )

        def close() -> None:
            books.write("ClosePeriod", closed_through=day.isoformat(), reason="race")
            done.set()

        with ThreadPoolExecutor(1) as pool:
            with mesh.transaction("finance") as tx:
                post_entries(tx, [NewEntry(Entry(EntryType.ADJUSTMENT, order(uuid.uuid4()), sides, effective_on=day))])
                closing = pool.submit(close)
                assert not done.wait(0.3)
                assert books_sql.closed_through(tx) != day
            closing.result(10)

        assert books.account_of(str(vendor)).balance_cents == -5

    def test_and_posting_wait_for_nobody_who_chains_the_audit_log(self, mesh: MeshHarness, books: Books) -> None:
        day = books.open_day()

        with mesh.transaction("finance") as tx:
            audit.link_new_rows(tx)
            (posted,) = books.post(entry(str(uuid.uuid4())))
            closed = books.write("ClosePeriod", closed_through=day.isoformat(), reason="month is over")

        assert (posted.outcome, closed.closed_through) == (Outcome.posted, day.isoformat())
