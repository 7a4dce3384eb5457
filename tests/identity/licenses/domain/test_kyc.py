"""The truth table of REQUIREMENTS A.7.1, over every set of licences."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.licenses.domain.kyc import KycStatus, LicenseStatus, derive_kyc

# pending, verified, rejected, expired -> KYC
_TRUTH = {
    (0, 0, 0, 0): "pending_verification",
    (0, 0, 0, 1): "expired",
    (0, 0, 1, 0): "rejected",
    (0, 0, 1, 1): "rejected",
    (0, 1, 0, 0): "verified",
    (0, 1, 0, 1): "verified",
    (0, 1, 1, 0): "verified",
    (0, 1, 1, 1): "verified",
    (1, 0, 0, 0): "pending_verification",
    (1, 0, 0, 1): "expired",
    (1, 0, 1, 0): "rejected",
    (1, 0, 1, 1): "rejected",
    (1, 1, 0, 0): "verified",
    (1, 1, 0, 1): "verified",
    (1, 1, 1, 0): "verified",
    (1, 1, 1, 1): "verified",
}
_COLUMNS = (LicenseStatus.PENDING, LicenseStatus.VERIFIED, LicenseStatus.REJECTED, LicenseStatus.EXPIRED)


class TestDeriveKyc:
    @pytest.mark.parametrize("present", list(itertools.product((0, 1), repeat=4)))
    def test_follows_the_truth_table(self, present: tuple[int, ...]) -> None:
        licences = [status for status, there in zip(_COLUMNS, present, strict=True) if there]

        assert derive_kyc(licences) == _TRUTH[present]

    @given(licences=st.lists(st.sampled_from(list(LicenseStatus))))
    def test_depends_on_neither_order_nor_number(self, licences: list[LicenseStatus]) -> None:
        assert derive_kyc(licences) == derive_kyc(reversed(licences * 2))
        assert derive_kyc(licences) is not KycStatus.SUSPENDED
