"""Bad input, generated: every write of people in the money path, with every field of its valid sample spoiled in turn.

Whatever is sent, nobody hears of a defect of ours, a refusal says what is wrong and where, and leaves nothing behind.
What only JSON can spoil (fractions, 2^63, words for numbers) is tried through Envoy: `tests/e2e/test_bad_json.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from deploy.dev.stack import Embedded
from deploy.tools.contracts import grpc_services
from marketmesh.finance.v1 import payout_batch_service_pb2
from meshkit.call import Call
from meshkit.grpc.policy import Caller, Effect, MethodPolicy, read_policy
from tests.contracts.samples import SAMPLES, Sample
from tests.contracts.spoil import Spoiler, spoilers
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness, Refused

OWNERS = ("catalog", "commerce", "fulfillment", "finance")
WRITES = [
    policy
    for service in grpc_services()
    for policy in map(read_policy, service.methods)
    if policy.path.split(".")[1] in OWNERS
    and policy.effect != Effect.EFFECT_READ
    and policy.caller != Caller.CALLER_SERVICE
]
# Where a refused call might leave something: with its service and those it asks.
LOOKED_AT = {
    "catalog": ("catalog", "media"),
    "commerce": ("commerce", "catalog"),
    "fulfillment": ("fulfillment", "commerce", "finance", "media"),
    "finance": ("finance",),
}
# Append-only logs of what was tried, and the keys of calls.
_LOGS = {"audit_log", "audit_heads", "idempotency_keys", "alembic_version"}
OUR_FAULT = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED"}


# The refusal is itself a fact: the payment failed, and the order is on hold.
RECORDED = {"PAYMENT_MISMATCH"}

# What else is no bad input after all, besides free text.
_PRODUCT = {
    *("classification=0", "compare_at_price_cents=0", "compare_at_price_cents=2147483648", "max_qty=0", "max_qty=2"),
    *("max_qty=2147483647", "moq=2", "moq=2147483647", "price_cents=0", "price_cents=2147483648"),
    "batch_id=an id",
}
_STOCK = {
    *("inventory.available_qty=0", "inventory.available_qty=2", "inventory.low_stock_threshold=0"),
    *("inventory.low_stock_threshold=2", "inventory.low_stock_threshold=2147483647"),
}
TAKEN = {
    "catalog.v1.InventoryService/AdjustStock": {"quantity=-1", "quantity=2"},
    "catalog.v1.InventoryService/CountStock": {"counted_qty=0", "counted_qty=2"},
    "catalog.v1.InventoryService/ReceiveStock": {"quantity=2"},
    "catalog.v1.ProductService/CreateProduct": {
        *_PRODUCT,
        *_STOCK,
        "inventory.reserved_qty=0",
    },
    "catalog.v1.ProductService/UpdateProduct": {
        *_PRODUCT,
        *_STOCK,
        "gallery={}",
        "volume_discounts={}",
    },
    "catalog.v1.ProductService/CreatePromo": {"amount_cents=2147483648"},
    "catalog.v1.ProductService/SetInventory": {
        *("available_qty=0", "available_qty=2", "low_stock_threshold=0", "low_stock_threshold=2"),
        "low_stock_threshold=2147483647",
    },
    # What comes with the sheet and is no part of it.
    "catalog.v1.ProductSheetService/ImportProducts": {
        "sheet.extensions=[{}]",
        *(f"sheet.extensions[0].value={how}" for how in ("NUL bytes", "a megabyte", "no bytes", "not UTF-8")),
    },
    # A quote answers what is wrong with a product or vendor as a warning; what is asked twice counts together.
    "commerce.v1.CartService/QuoteCart": {
        *("items=the same twice", "items[0].product_id=an id", "items[0].vendor_store_id=an id", "items[0].quantity=2"),
        "tip_cents=0",
    },
    "commerce.v1.CartService/Checkout": {
        *("shipping_address.lat=-1.5", "shipping_address.lng=-1.5", "shipping_line.price_cents=0"),
        "tip_cents=0",
    },
    "commerce.v1.OrderService/SetOrderPolicy": {"nudge_after_days=2"},
    # The most that the buyer pays, not what it costs.
    "commerce.v1.OrderService/RetryOrder": {
        "accept_total_cents=2147483648",
        "accept_total_cents=9223372036854775807",
    },
    # What was declared and what is counted need not be what the order cost: that is a mismatch, to be resolved.
    "finance.v1.CashAdminService/CountHandIn": {"counts[0].counted_cents=0", "counts[0].counted_cents=2147483648"},
    "finance.v1.CashAgentService/DeclareHandIn": {"items[0].declared_cents=2147483648"},
    "finance.v1.CashAdminService/ResolveMismatch": {"recovered_cents=0"},
    # Staff are foreign to nobody; a vendor to whom nothing is due gets nothing.
    "finance.v1.PayoutAdminService/HoldPayout": {"order_id=an id"},
    "finance.v1.PayoutAdminService/ReleasePayout": {"order_id=an id"},
    "finance.v1.PayoutAdminService/RunPayouts": {"vendor_store_id=an id"},
    "fulfillment.v1.FulfillmentAdminService/AssignAgent": {"agent_user_id=an id"},
    "fulfillment.v1.FulfillmentAdminService/CorrectDelivery": {"agent_user_id=an id"},
}


def path_of(policy: MethodPolicy) -> str:
    return policy.path.removeprefix("/marketmesh.")


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


class Rows:
    """What stands in the databases: per table how many rows, and the sum of their hashes.

    A table is hashed again only when its number of rows or the newest transaction that wrote one of them is another one.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._tables = {service: self._tables_of(service) for service in (*OWNERS, "media")}
        self._seen: dict[tuple[str, str], tuple[Any, Any]] = {}

    def _tables_of(self, service: str) -> list[str]:
        tables = self._world.mesh.rows(service, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        return sorted(table.name for table in tables if table.name not in _LOGS)

    def seen_from(self, policy: MethodPolicy) -> dict[str, list[Any]]:
        """Return what those services hold that a call of the method might write to."""
        return self.of(LOOKED_AT[policy.path.split(".")[1]])

    def of(self, services: tuple[str, ...]) -> dict[str, list[Any]]:
        """Return what services hold."""
        return {service: self._of(service) for service in services}

    def _of(self, service: str) -> list[Any]:
        marks = self._ask(service, self._tables[service], "count(*), max(CAST(xmin::text AS bigint))")
        changed = [table for table, mark in marks.items() if self._seen.get((service, table), ("", ""))[0] != mark]
        hashes = self._ask(service, changed, "count(*), sum(hashtextextended(t::text, 0))") if changed else {}
        self._seen |= {(service, table): (marks[table], found) for table, found in hashes.items()}
        return [(table, *self._seen[service, table][1]) for table in self._tables[service]]

    def _ask(self, service: str, tables: list[str], columns: str) -> dict[str, tuple[Any, ...]]:
        sql = " UNION ALL ".join(f"SELECT '{table}', {columns} FROM \"{table}\" t" for table in tables)  # noqa: S608
        with self._world.mesh.process(service).transactions.read(Call()) as tx:
            return {row[0]: tuple(row[1:]) for row in tx.execute(text(sql)).all()}


@pytest.fixture(scope="module")
def rows(world: World) -> Rows:
    return Rows(world)


@pytest.fixture(scope="module")
def foreign(world: World) -> dict[str, str]:
    """Ids of things that are none of the usual caller's, by what they are."""
    order = world.new_order()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "vendor", world.other_vendor)
        patch.setattr(world, "buyer", world.other_buyer)
        theirs = world.new_order()
        product = world.new_product(world.other_vendor)
        media = world.new_media(world.other_vendor, kind="product")
        cart = world.new_cart(world.other_buyer)
    # Staff may hold and release it: let it be held, so that both find the same whoever comes first.
    hold = payout_batch_service_pb2.HoldPayoutRequest(order_id=theirs.order_id, reason="test")
    world.do("/marketmesh.finance.v1.PayoutAdminService/HoldPayout", hold, world.admin)
    return {
        "another vendor": world.other_vendor.store_id,
        "another buyer": world.other_buyer.store_id,
        "another agent": world.other_agent_id,
        "another vendor's product": product.id,
        "another vendor's file": media,
        "another buyer's cart": cart.id,
        "others' order": theirs.order_id,
        "a line of another order": order.items[0].line_item_id,
    }


class Attempt:
    """One spoiled call, and what came of it."""

    def __init__(self, world: World, policy: MethodPolicy, sample: Sample, bad: Spoiler) -> None:
        self.bad, self.refused = bad, None
        try:
            world.mesh.call(
                world.method(policy.path), bad.spoil(sample.request), token=sample.token, key=uuid.uuid4().hex
            )
        except Refused as refused:
            self.refused: Refused | None = refused

    def complaints(self) -> Iterator[str]:
        """Yield what is wrong with the answer."""
        refused = self.refused
        if refused is None:
            return
        if refused.code in OUR_FAULT:
            yield f"{refused.code} {refused.reason}"
        if not refused.reason or not refused.message:
            yield f"{refused.code} without a reason"
        if "Traceback" in str(refused.status) or "psycopg" in str(refused.status).lower():
            yield f"shows our insides: {refused.message}"
        if refused.code == "INVALID_ARGUMENT" and not self._names_the_field(refused):
            yield f"does not name the field: {refused.message} {refused.violations}"

    def _names_the_field(self, refused: Refused) -> bool:
        mine = self.bad.path.split("[")[0].split(".")[0]
        return any(item.field.split("[")[0].split(".")[0] == mine for item in refused.violations)


def sample_of(world: World, policy: MethodPolicy) -> Sample:
    return SAMPLES[policy.path](world)


class TestEveryWrite:
    @pytest.mark.parametrize("policy", WRITES, ids=path_of)
    def test_refuses_bad_input_clearly_and_leaves_nothing_behind(
        self, world: World, rows: Rows, foreign: dict[str, str], policy: MethodPolicy
    ) -> None:
        taken, wrong = set(), []
        sample, before = sample_of(world, policy), rows.seen_from(policy)
        for bad in spoilers(sample.request, foreign=foreign):
            attempt = Attempt(world, policy, sample, bad)
            wrong += [f"{bad}: {complaint}" for complaint in attempt.complaints()]
            after = rows.seen_from(policy)
            if attempt.refused is None and not bad.is_text:
                # It had its effect: the next needs an object of its own.
                taken.add(f"{bad.path}={'an id' if bad.is_id else bad.how}")
                sample = sample_of(world, policy)
                after = rows.seen_from(policy)
            elif attempt.refused and attempt.refused.reason not in RECORDED and after != before:
                wrong.append(f"{bad}: {attempt.refused.reason} left {difference(before, after)}")
            before = after

        assert not wrong, "\n".join(wrong)
        assert taken == TAKEN.get(path_of(policy), set())


def difference(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[Any]:
    return [(service, row) for service, rows in after.items() for row in rows if row not in before[service]]


def test_every_write_has_a_sample() -> None:
    assert {policy.path for policy in WRITES} <= set(SAMPLES)


class TestMoney:
    @pytest.mark.parametrize(
        "policy",
        [policy for policy in WRITES if "currency" in policy.request_class.DESCRIPTOR.fields_by_name],
        ids=path_of,
    )
    def test_of_another_currency_is_refused(self, world: World, rows: Rows, policy: MethodPolicy) -> None:
        sample = sample_of(world, policy)
        sample.request.currency = "EUR"  # type: ignore[attr-defined]
        before = rows.seen_from(policy)

        with pytest.raises(Refused) as refused:
            world.mesh.call(world.method(policy.path), sample.request, token=sample.token, key=uuid.uuid4().hex)

        if refused.value.reason in RECORDED:
            assert refused.value.code == "FAILED_PRECONDITION"
            return
        assert [item.field for item in refused.value.violations] == ["currency"]
        assert rows.seen_from(policy) == before

    @pytest.mark.parametrize(
        ("products", "moq", "quantity", "field"),
        [(1, 2**31 - 1, 1, "items[0].quantity"), (2, 1, 1000, "items")],
        ids=["one line", "all together"],
    )
    def test_beyond_what_a_cart_may_cost_is_refused(
        self, world: World, rows: Rows, products: int, moq: int, quantity: int, field: str
    ) -> None:
        policy = next(policy for policy in WRITES if policy.path.endswith("/QuoteCart"))
        dear = world.product_request()
        dear.price_cents, dear.moq, dear.inventory.available_qty = 10**12, moq, 10**6
        items = []
        for _ in range(products):
            dear.sku = uuid.uuid4().hex
            made = world.do("/marketmesh.catalog.v1.ProductService/CreateProduct", dear, world.vendor.token)
            items.append(made.summary)
        request = world.quote_request(world.buyer, items)
        for item in request.items:
            item.quantity = quantity
        before = rows.seen_from(policy)

        with pytest.raises(Refused) as refused:
            world.mesh.call(world.method(policy.path), request, token=world.buyer.token, key=uuid.uuid4().hex)

        assert (refused.value.code, [item.field for item in refused.value.violations]) == ("INVALID_ARGUMENT", [field])
        assert rows.seen_from(policy) == before
