"""Entries balance for every sum of money."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.money import percent_of
from services.finance.ledger.domain.ledger import (
    Account,
    AccountKind,
    Collection,
    Entry,
    EntryType,
    Posting,
    Refund,
    cash_collected,
    refund,
    unbalanced,
    vendor_payout,
)
from services.finance.ledger.domain.subject import order
from services.finance.payments.domain.intent import fee_of_refund

AGENT, VENDOR, BUYER, PAYOUT = (uuid.UUID(int=number) for number in (1, 2, 4, 5))
ORDER = order(uuid.UUID(int=3))
_cents = st.integers(min_value=1, max_value=10**15)
_basis_points = st.integers(min_value=0, max_value=10_000)


def _by_kind(entry: Entry) -> dict[str, int]:
    return {posting.account.kind.value: posting.amount_cents for posting in entry.postings}


def _collection(amount_cents: int, fee_cents: int, *, credited_cents: int = 0) -> Collection:
    return Collection(ORDER, AGENT, BUYER, VENDOR, amount_cents, fee_cents, "USD", credited_cents)


class TestCashCollected:
    @given(amount=_cents, basis_points=_basis_points, percent=st.integers(0, 100))
    def test_uses_a_credit_up(self, amount: int, basis_points: int, percent: int) -> None:
        fee, credited = percent_of(amount, basis_points=basis_points), amount * percent // 100

        sides = _by_kind(cash_collected(_collection(amount, fee, credited_cents=credited)))

        assert (sides.get("cash_in_transit", 0), sides.get("refund_payable", 0)) == (amount - credited, credited)
        assert -sides.get("vendor_payable", 0) - sides.get("platform_fee", 0) == amount

    @given(amount=_cents, basis_points=_basis_points)
    def test_balances_and_loses_no_cent(self, amount: int, basis_points: int) -> None:
        fee = percent_of(amount, basis_points=basis_points)

        entry = cash_collected(_collection(amount, fee))

        sides = _by_kind(entry)
        assert unbalanced(entry.postings) == {"USD": 0}
        assert sides["cash_in_transit"] == amount
        assert -sides.get("vendor_payable", 0) - sides.get("platform_fee", 0) == amount
        assert -sides.get("platform_fee", 0) == fee

    def test_posts_nothing_of_nothing(self) -> None:
        free = cash_collected(_collection(100, 0))
        all_fee = cash_collected(_collection(100, 100))

        assert _by_kind(free) == {"cash_in_transit": 100, "vendor_payable": -100}
        assert _by_kind(all_fee) == {"cash_in_transit": 100, "platform_fee": -100}

    def test_names_the_owners(self) -> None:
        entry = cash_collected(_collection(100, 3))

        assert [(posting.account.kind.value, posting.account.owner_id) for posting in entry.postings] == [
            ("cash_in_transit", AGENT),
            ("vendor_payable", VENDOR),
            ("platform_fee", None),
        ]


class TestVendorPayout:
    @given(payout=_cents)
    def test_balances(self, payout: int) -> None:
        entry = vendor_payout(subject=ORDER, vendor_id=VENDOR, payout_cents=payout, currency="USD", payout_id=PAYOUT)

        assert _by_kind(entry) == {"vendor_payable": payout, "cash_clearing": -payout}


class TestRefund:
    @given(amount=_cents, basis_points=_basis_points, is_paid_out=st.booleans(), data=st.data())
    def test_of_many_parts_comes_to_the_whole(
        self, amount: int, basis_points: int, data: st.DataObject, *, is_paid_out: bool
    ) -> None:
        fee_cents = percent_of(amount, basis_points=basis_points)
        left, refunded, refunded_fee = amount, 0, 0
        while left:
            part = data.draw(st.integers(1, left)) if left > 1 and refunded == 0 else left
            fee = fee_of_refund(
                amount_cents=part,
                refunded_cents=refunded,
                refunded_fee_cents=refunded_fee,
                fee_basis_points=basis_points,
            )
            told = Refund(ORDER, AGENT, VENDOR, part, fee, "USD", is_paid_out)

            assert 0 <= fee <= part
            assert unbalanced(refund(told).postings) == {"USD": 0}
            left, refunded, refunded_fee = left - part, refunded + part, refunded_fee + fee

        assert (refunded, refunded_fee) == (amount, fee_cents)


class TestEntry:
    @given(left=_cents, right=_cents.map(lambda cents: -cents))
    def test_refuses_two_sides_that_do_not_meet(self, left: int, right: int) -> None:
        sides = tuple(Posting(Account(AccountKind.CASH_CLEARING, "USD"), cents) for cents in (left, right))

        if left + right:
            with pytest.raises(AssertionError, match="sums to zero"):
                Entry(EntryType.VENDOR_PAYOUT, ORDER, sides)
        else:
            assert Entry(EntryType.VENDOR_PAYOUT, ORDER, sides).postings == sides

    def test_refuses_to_balance_one_currency_with_another(self) -> None:
        sides = (
            Posting(Account(AccountKind.CASH_CLEARING, "USD"), 5),
            Posting(Account(AccountKind.CASH_CLEARING, "EUR"), -5),
        )

        with pytest.raises(AssertionError, match="sums to zero"):
            Entry(EntryType.VENDOR_PAYOUT, ORDER, sides)

    def test_refuses_one_side_and_empty_sides(self) -> None:
        account = Account(AccountKind.CASH_CLEARING, "USD")

        with pytest.raises(AssertionError, match="two sides"):
            Entry(EntryType.VENDOR_PAYOUT, ORDER, (Posting(account, 5),))
        with pytest.raises(AssertionError, match="moves something"):
            Entry(EntryType.VENDOR_PAYOUT, ORDER, (Posting(account, 0), Posting(account, 0)))


class TestFee:
    @given(amount=st.integers(min_value=0, max_value=(2**63 - 1) // 20_000), basis_points=_basis_points)
    def test_never_exceeds_the_amount_and_rounds_half_up(self, amount: int, basis_points: int) -> None:
        fee = percent_of(amount, basis_points=basis_points)

        assert 0 <= fee <= amount
        assert -5_000 < amount * basis_points - fee * 10_000 < 5_000 or amount * basis_points % 10_000 == 5_000  # noqa: PLR2004
