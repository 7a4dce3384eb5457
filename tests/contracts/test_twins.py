"""Doubled requests at the same instant: every write of people in the money path, called twice at once.

With one key the second gets the first one's bytes; with two keys what can happen only once happens once.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.dev.stack import Embedded
from meshkit.call import Call
from meshkit.grpc.policy import MethodPolicy
from services.catalog.stock.usecases.prove_stock import prove_stock
from services.commerce.orders.usecases.prove_orders import prove_orders
from services.finance.proofs.usecases.prove_money import prove_money
from tests.contracts.samples import SAMPLES, Sample
from tests.contracts.test_bad_input import WRITES, path_of
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

# Two people may well mean it twice.
BOTH_COUNT = {
    "catalog.v1.InventoryService/AdjustStock",
    "catalog.v1.InventoryService/CountStock",
    "catalog.v1.InventoryService/ReceiveStock",
    "catalog.v1.ProductSheetService/ImportProducts",
    "commerce.v1.CartService/QuoteCart",
    "finance.v1.PayoutAdminService/CreditOrder",
    "finance.v1.PayoutAdminService/RefundOrder",
    "finance.v1.PayoutAdminService/RunPayouts",
    "fulfillment.v1.AgentService/RequestProofUpload",
}
SECOND_IS_REFUSED = {
    "catalog.v1.ProductService/CreateProduct": "SKU_TAKEN",
    "catalog.v1.ProductService/CreatePromo": "PROMO_TAKEN",
    "catalog.v1.ProductService/DeleteProduct": "NOT_FOUND",
    "commerce.v1.OrderService/CancelOrder": "ORDER_STATE_INVALID",
    "commerce.v1.OrderService/DecideLineItem": "LINE_STATE_INVALID",
    "commerce.v1.OrderService/DecideOrder": "ORDER_STATE_INVALID",
    "commerce.v1.OrderService/NudgeOrder": "NUDGED_ALREADY",
    "finance.v1.CashAdminService/CountHandIn": "HAND_IN_STATE_INVALID",
    "finance.v1.CashAdminService/CreateStation": "CONFLICT",
    "finance.v1.CashAdminService/ResolveMismatch": "CASH_MISMATCH_RESOLVED",
    "finance.v1.CashAgentService/DeclareHandIn": "CASH_ALREADY_DECLARED",
    "finance.v1.FinanceAdminService/ReopenPayment": "PAYMENT_NOT_FAILED",
    "finance.v1.LedgerAdminService/ClosePeriod": "PERIOD_CLOSED",
    "finance.v1.LedgerAdminService/ReverseEntry": "ENTRY_NOT_REVERSIBLE",
    "finance.v1.PayoutAdminService/ApprovePayout": "PAYOUT_STATE_INVALID",
    "finance.v1.PayoutAdminService/RejectPayout": "PAYOUT_STATE_INVALID",
    "finance.v1.PayoutAdminService/ReleasePayout": "PAYOUT_STATE_INVALID",
    "finance.v1.PayoutAdminService/ReturnPayout": "PAYOUT_STATE_INVALID",
}


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


def at_once(world: World, policy: MethodPolicy, sample: Sample, keys: tuple[str, str]) -> list[bytes | Refused]:
    """Call twice in the same instant; returns each answer's bytes or refusal."""
    start, method = threading.Barrier(2), world.method(policy.path)

    def call(key: str) -> bytes | Refused:
        start.wait()
        try:
            answer, _ = world.mesh.call(method, sample.request, token=sample.token, key=key)
        except Refused as refused:
            return refused
        return bytes(answer.SerializeToString(deterministic=True))

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(call, keys))
    world.mesh.pump()
    return outcomes


class TestEveryWrite:
    @pytest.mark.parametrize("policy", WRITES, ids=path_of)
    def test_with_one_key_happens_once(self, world: World, policy: MethodPolicy) -> None:
        sample, key = SAMPLES[policy.path](world), uuid.uuid4().hex

        outcomes = at_once(world, policy, sample, (key, key))
        waiting = [each for each in outcomes if isinstance(each, Refused)]
        final, _ = world.mesh.call(world.method(policy.path), sample.request, token=sample.token, key=key)

        assert [each.reason for each in waiting] in ([], ["IDEMPOTENCY_IN_PROGRESS"])
        assert {each for each in outcomes if isinstance(each, bytes)} == {final.SerializeToString(deterministic=True)}

    @pytest.mark.parametrize("policy", WRITES, ids=path_of)
    def test_with_two_keys_what_can_happen_once_happens_once(self, world: World, policy: MethodPolicy) -> None:
        sample = SAMPLES[policy.path](world)

        outcomes = at_once(world, policy, sample, (uuid.uuid4().hex, uuid.uuid4().hex))
        answers = [each for each in outcomes if isinstance(each, bytes)]
        reasons = [each.reason for each in outcomes if isinstance(each, Refused)]

        if path_of(policy) in BOTH_COUNT:
            assert (reasons, len(set(answers))) == ([], 2)
        elif reason := SECOND_IS_REFUSED.get(path_of(policy)):
            assert (reasons, len(answers)) == ([reason], 1)
        else:
            # The second finds it done, and is told what the first was told.
            assert (reasons, len(answers), len(set(answers))) == ([], 2, 1)

    def test_leaves_books_stock_and_orders_that_add_up(self, world: World) -> None:
        for service, prove in (("catalog", prove_stock), ("commerce", prove_orders), ("finance", prove_money)):
            with world.mesh.process(service).transactions.read(Call()) as tx:
                assert prove(tx) == []
