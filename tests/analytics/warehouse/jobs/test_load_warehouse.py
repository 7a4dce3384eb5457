"""The way from the queue into the warehouse, with every crash in between."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from meshkit.errors import DependencyUnavailable
from services.analytics.warehouse.flows import load_rows
from services.analytics.warehouse.jobs import load_warehouse
from services.analytics.warehouse.jobs.load_warehouse import WarehouseLoader
from services.analytics.warehouse.usecases.forget_loaded_rows import forget_loaded_rows
from tests.analytics.memory_warehouse import MemoryWarehouse
from tests.finance.snapshots import created, order_snapshot
from tests.support.mesh_harness import MeshHarness


@pytest.fixture(autouse=True)
def _empty_queue(mesh: MeshHarness) -> None:
    with mesh.transaction("analytics") as tx:
        tx.execute(text("DELETE FROM warehouse_rows"))


@pytest.fixture
def warehouse() -> MemoryWarehouse:
    return MemoryWarehouse()


@pytest.fixture
def loader(mesh: MeshHarness, warehouse: MemoryWarehouse) -> WarehouseLoader:
    return WarehouseLoader(mesh.process("analytics").transactions, warehouse)


def queue(mesh: MeshHarness, count: int) -> set[str]:
    """Queue new orders; returns their ids."""
    orders = [order_snapshot() for _ in range(count)]
    for order in orders:
        mesh.deliver("analytics", created(order))
    return {order.order_id for order in orders}


def waiting(mesh: MeshHarness) -> int:
    count: int = mesh.rows("analytics", "SELECT count(*) AS n FROM warehouse_rows WHERE loaded_at IS NULL")[0].n
    return count


class TestLoadOnce:
    def test_loads_what_waits_and_marks_it(
        self, mesh: MeshHarness, loader: WarehouseLoader, warehouse: MemoryWarehouse
    ) -> None:
        orders = queue(mesh, 3)

        loaded = [loader.load_once(), loader.load_once()]

        assert loaded == [3, 0]
        assert {row["order_id"] for row in warehouse.rows.values()} == orders
        assert waiting(mesh) == 0

    def test_loads_in_batches(
        self, mesh: MeshHarness, loader: WarehouseLoader, warehouse: MemoryWarehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(load_rows, "BATCH", 2)
        queue(mesh, 5)

        loaded = [loader.load_once() for _ in range(4)]

        assert (loaded, warehouse.batches) == ([2, 2, 1, 0], [2, 2, 1])

    def test_loads_nothing_twice_after_a_crash_between_loading_and_marking(
        self, mesh: MeshHarness, loader: WarehouseLoader, warehouse: MemoryWarehouse
    ) -> None:
        queue(mesh, 2)
        warehouse.dies_after_load = True
        with pytest.raises(KeyboardInterrupt):
            loader.load_once()
        in_between = (len(warehouse.rows), waiting(mesh))
        warehouse.dies_after_load = False

        loader.load_once()

        assert in_between == (2, 2)
        assert (len(warehouse.rows), waiting(mesh), warehouse.batches) == (2, 0, [2, 2])

    def test_keeps_the_queue_while_the_warehouse_is_away(
        self, mesh: MeshHarness, loader: WarehouseLoader, warehouse: MemoryWarehouse
    ) -> None:
        queue(mesh, 2)
        warehouse.is_away = True

        with pytest.raises(DependencyUnavailable):
            loader.load_once()

        assert (len(warehouse.rows), waiting(mesh)) == (0, 2)


class TestRun:
    def test_loads_by_itself_once_the_warehouse_is_back(
        self, mesh: MeshHarness, loader: WarehouseLoader, warehouse: MemoryWarehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(load_warehouse, "_AWAY_SECONDS", 0.02)
        monkeypatch.setattr(load_warehouse, "_IDLE_SECONDS", 0.02)
        queue(mesh, 2)
        warehouse.is_away = True
        stop, refused = threading.Event(), _Signal(warehouse)
        thread = threading.Thread(target=loader.run, args=(stop,))

        thread.start()
        assert refused.wait(5)
        warehouse.is_away = False
        for _ in range(250):
            if waiting(mesh) == 0:
                break
            stop.wait(0.02)
        stop.set()
        thread.join(5)

        assert (thread.is_alive(), waiting(mesh), len(warehouse.rows)) == (False, 0, 2)


class TestForgetLoadedRows:
    def test_forgets_what_was_loaded_a_week_ago_and_nothing_else(
        self, mesh: MeshHarness, loader: WarehouseLoader
    ) -> None:
        queue(mesh, 1)
        loader.load_once()
        mesh.clock.advance(timedelta(days=6, hours=23))
        unloaded = queue(mesh, 1)
        kept = _forget(mesh)
        mesh.clock.advance(timedelta(hours=2))

        left = _forget(mesh)

        assert len(kept) == 2
        assert left == unloaded


class _Signal:
    """Tells when the warehouse was asked while away."""

    def __init__(self, warehouse: MemoryWarehouse) -> None:
        self._asked = threading.Event()
        load = warehouse.load

        def watched(rows: Any) -> None:
            self._asked.set()
            load(rows)

        warehouse.load = watched  # type: ignore[method-assign]

    def wait(self, seconds: float) -> bool:
        return self._asked.wait(seconds)


def _forget(mesh: MeshHarness) -> set[str]:
    with mesh.transaction("analytics") as tx:
        forget_loaded_rows(tx)
    return {row.id for row in mesh.rows("analytics", "SELECT row ->> 'order_id' AS id FROM warehouse_rows")}
