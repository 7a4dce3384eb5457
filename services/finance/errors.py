"""Finance's refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.finance.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class PaymentMismatch(MeshError, enum=_REASONS, reason="PAYMENT_MISMATCH"):
    """The money is not what the order costs; the intent is failed and the order goes on hold."""


class PaymentFinal(MeshError, enum=_REASONS, reason="PAYMENT_FINAL"):
    """The payment has failed or was rejected; no money can be taken for it."""


class PayoutNotDue(MeshError, enum=_REASONS, reason="PAYOUT_NOT_DUE"):
    """The order is not delivered, or its payment not settled."""


class PaymentNotFailed(MeshError, enum=_REASONS, reason="PAYMENT_NOT_FAILED"):
    """Only a failed payment can be reopened."""


class EntryNotReversible(MeshError, enum=_REASONS, reason="ENTRY_NOT_REVERSIBLE"):
    """The entry was taken back already, or belongs to an order or payout."""


class PeriodClosed(MeshError, enum=_REASONS, reason="PERIOD_CLOSED"):
    """The books are closed for that day."""


class HoldNotCovered(MeshError, enum=_REASONS, reason="HOLD_NOT_COVERED"):
    """The account has less than would be kept back."""


class HoldNotPending(MeshError, enum=_REASONS, reason="HOLD_NOT_PENDING"):
    """The hold was posted, voided, or has expired."""


class PayoutHeld(MeshError, enum=_REASONS, reason="PAYOUT_HELD"):
    """An administrator keeps the order out of payouts."""


class PayoutBelowMinimum(MeshError, enum=_REASONS, reason="PAYOUT_BELOW_MINIMUM"):
    """The sum is below what is worth a transfer."""


class PayoutStateInvalid(MeshError, enum=_REASONS, reason="PAYOUT_STATE_INVALID"):
    """The payout's state does not allow the step."""


class ApproverMustDiffer(MeshError, enum=_REASONS, reason="APPROVER_MUST_DIFFER"):
    """Whoever asked for a payout may not approve it."""


class RefundTooLarge(MeshError, enum=_REASONS, reason="REFUND_TOO_LARGE"):
    """More would be refunded than is left of what the order cost."""


class CashAlreadyDeclared(MeshError, enum=_REASONS, reason="CASH_ALREADY_DECLARED"):
    """The order's cash is in a hand-in already."""


class HandInStateInvalid(MeshError, enum=_REASONS, reason="HAND_IN_STATE_INVALID"):
    """The hand-in was counted already."""


class CashMismatchResolved(MeshError, enum=_REASONS, reason="CASH_MISMATCH_RESOLVED"):
    """The mismatch was resolved already."""


class CheckerMustDiffer(MeshError, enum=_REASONS, reason="CHECKER_MUST_DIFFER"):
    """An agent neither counts its own cash nor resolves its mismatches; who counted a large mismatch does not resolve it."""


class CashMismatchOpen(MeshError, enum=_REASONS, reason="CASH_MISMATCH_OPEN"):
    """The order's cash is not what it should be; the order is not paid out until that is resolved."""


class CashNotCounted(MeshError, enum=_REASONS, reason="CASH_NOT_COUNTED"):
    """No station has counted the order's cash yet, and vendors are paid out of counted cash only."""


class CashCollectedOtherwise(MeshError, enum=_REASONS, reason="CASH_COLLECTED_OTHERWISE"):
    """The order's cash was collected already, as another sum or by another agent."""


class CreditNotPossible(MeshError, enum=_REASONS, reason="CREDIT_NOT_POSSIBLE"):
    """The order is not delivered, is paid, will never be paid, or costs less than the credit."""
