"""A vendor's products as a sheet: in, out, and unchanged by both."""

from __future__ import annotations

import csv
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api import httpbody_pb2

import services
from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from marketmesh.catalog.v1 import product_service_pb2
from marketmesh.catalog.v1 import product_sheet_service_pb2 as messages
from marketmesh.catalog.v1 import product_sheet_service_pb2_grpc as stubs
from meshkit.principal import Principal
from services.catalog.products.domain.sheet import MAX_BYTES, MAX_ROWS
from services.catalog.stock.usecases.set_inventory import set_inventory
from tests.catalog.shop import Checkout, Shop
from tests.support.mesh_harness import Refused

_HEAD = "sku,title,category,unit,feelings,flavors,usage,price_cents,volume_discounts,available_qty,low_stock_threshold"
_TAIL = "flower,gram,happy|calm,pine,sleep"
_OUTCOME = messages.ImportOutcome.Value


class TestImportProducts:
    def test_creates_changes_and_leaves_alone(self, shop: Shop) -> None:
        sheet = f"{_HEAD}\nA,First,{_TAIL},100,5:2.5|9:10,7,2\nB,Second,{_TAIL},200,,,\n".replace(",,,\n", ",,3,0\n")

        first = _import(shop, sheet)
        again = _import(shop, sheet)
        changed = _import(shop, sheet.replace("First", "Changed"))

        assert [_OUTCOME.Name(row.outcome) for row in first.rows] == ["created", "created"]
        assert (again.created, again.updated, again.unchanged, again.rejected) == (0, 0, 2, 0)
        assert [(_OUTCOME.Name(row.outcome), row.product_id) for row in changed.rows] == [
            ("updated", first.rows[0].product_id),
            ("unchanged", first.rows[1].product_id),
        ]
        product = _read(shop, first.rows[0].product_id)
        assert (product.summary.title, product.summary.price_cents) == ("Changed", 100)
        assert [(tier.min_qty, tier.discount_percent) for tier in product.volume_discounts] == [(5, "2.5"), (9, "10")]
        assert shop.inventory(uuid.UUID(first.rows[0].product_id)) == (7, 0, 0, 7)
        assert shop.listed(q="changed") == ["Changed"]

    def test_reports_every_wrong_row_with_line_field_and_reason(self, shop: Shop) -> None:
        rows = [
            f"GOOD,First,{_TAIL},100,,1,0",
            f"GOOD,Twice,{_TAIL},100,,1,0",
            f"NEG,x,{_TAIL},-1,,1,0",
            f"FRAC,x,{_TAIL},1.5,,1,0",
            f"HUGE,x,{_TAIL},99999999999999999999,,1,0",
            f"QTY,x,{_TAIL},1,,2000000000,0",
            f"TIER,x,{_TAIL},1,5:101,1,0",
            "WORD,x,flowers,gram,happy,pine,sleep,1,,1,0",
            f",x,{_TAIL},1,,1,0",
            "SHORT,x",
        ]

        answer = _import(shop, "\n".join([_HEAD, *rows]))

        assert [(row.line, row.sku, row.field) for row in answer.rows if row.outcome == _OUTCOME.rejected] == [
            (3, "GOOD", "sku"), (4, "NEG", "price_cents"), (5, "FRAC", "price_cents"), (6, "HUGE", "price_cents"),
            (7, "QTY", "available_qty"), (8, "TIER", "volume_discounts"), (9, "WORD", "category"), (10, "", "sku"),
            (11, "", ""),
        ]  # fmt: skip
        assert all(row.reason for row in answer.rows if row.outcome == _OUTCOME.rejected)
        assert (answer.created, answer.rejected) == (1, 9)
        assert shop.listed() == ["First"]

    def test_names_all_that_is_wrong_with_a_row(self, shop: Shop) -> None:
        answer = _import(shop, f"{_HEAD}\nA,,flowers,gram,happy,pine,sleep,-1,,x,0\n")

        (row,) = answer.rows
        assert [problem.field for problem in row.problems] == ["title", "category", "price_cents", "available_qty"]
        assert (row.field, row.reason) == (row.problems[0].field, row.problems[0].reason)

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_takes_sheets_as_people_have_them(self, shop: Shop, separator: str) -> None:
        rows = [
            [
                " SKU",
                "Title ",
                "CATEGORY",
                "unit",
                "feelings",
                "flavors",
                "usage",
                "Price Cents",
                "THC percent",
                "",
                "",
            ],
            ["A\u00a0", " First", "flower", "gram", "happy", "pine", "sleep", "100", "18.5", "", ""],
            ["", "", "", "", "", "", "", "", "", "", ""],
            ["B", "Second", "flower", "gram", "happy", "pine", "sleep", " 200 ", '"7,5"', "", ""],
            [""] * 11,
        ]

        answer = _import(shop, "\r\n".join(separator.join(row) for row in rows))

        assert [(row.line, row.sku, _OUTCOME.Name(row.outcome)) for row in answer.rows] == [
            (2, "A", "created"),
            (4, "B", "created"),
        ]
        assert [_read(shop, row.product_id).summary.thc_percent for row in answer.rows] == ["18.5", "7.5"]

    def test_takes_the_sample(self, shop: Shop) -> None:
        sample = Path(services.__path__[0]).parent / "docs" / "examples" / "products.csv"

        answer = _import(shop, sample.read_text())

        assert [(row.line, list(row.problems)) for row in answer.rows if row.problems] == []
        assert sorted(shop.listed()) == ["Blue Haze", "Lemon Gummies"]

    def test_takes_a_browser_s_form(self, shop: Shop) -> None:
        form = (
            b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\nContent-Type: text/csv\r\n\r\n'
            + f"{_HEAD}\nA,First,{_TAIL},100,,1,0\n".encode()
            + b"\r\n--x--\r\n"
        )

        assert _import(shop, form, content_type="multipart/form-data; boundary=x").created == 1
        two = form.removesuffix(b"--x--\r\n") + form
        for other in (b"--x--\r\n", two):
            with pytest.raises(Refused) as refused:
                _import(shop, other, content_type="multipart/form-data; boundary=x")
            assert [item.field for item in refused.value.violations] == ["sheet"]

    def test_lets_the_right_row_stand_and_says_why_the_wrong_one_does_not(self, shop: Shop) -> None:
        rows = [
            f"A,Wrong,{_TAIL},-1,,1,0",
            f"A,Right,{_TAIL},100,,1,0",
            f" A ,Again,{_TAIL},100,,1,0",
        ]

        answer = _import(shop, "\n".join([_HEAD, *rows]))

        assert [(_OUTCOME.Name(row.outcome), row.field) for row in answer.rows] == [
            ("rejected", "price_cents"),
            ("created", ""),
            ("rejected", "sku"),
        ]
        assert answer.rows[2].reason == "line 3 has the same SKU"
        assert shop.listed() == ["Right"]

    @pytest.mark.parametrize(
        ("known", "mangled"),
        [
            ("0017", "17"),
            ("1E5", "1.00E+05"),
            ("24:10", "24:10:00"),
            ("3-4", "4-Mar"),
            ("MAR1", "1-Mar"),
            ("4006381333931", "4.01E+12"),
            ("2E40", "2.0E+40"),
        ],
    )
    def test_makes_no_twin_of_what_a_spreadsheet_has_changed(self, shop: Shop, known: str, mangled: str) -> None:
        shop.create(sku=known)

        answer = _import(shop, f"{_HEAD}\n{mangled},First,{_TAIL},100,,1,0\nOTHER,x,{_TAIL},100,,1,0\n")

        assert [(_OUTCOME.Name(row.outcome), row.field) for row in answer.rows] == [
            ("rejected", "sku"),
            ("created", ""),
        ]
        assert known in answer.rows[0].reason
        # The way out for one that is meant so: it is its own, and is found without the apostrophe.
        meant = f"{_HEAD}\n'{mangled},First,{_TAIL},100,,1,0\n"
        assert (_import(shop, meant).created, _import(shop, f"sku,title\n{mangled},Again\n").updated) == (1, 1)
        assert _import(shop, f"sku,title\n{known},Changed\n").updated == 1

    def test_needs_everything_for_a_new_product_and_less_for_a_known_one(self, shop: Shop) -> None:
        known = shop.create(sku="KNOWN", moq=5, max_qty=9)

        answer = _import(shop, "sku,max_qty\nKNOWN,7\nNEW,1\n")
        wrong = _import(shop, "sku,max_qty\nKNOWN,4\n")

        assert [(row.sku, _OUTCOME.Name(row.outcome), row.field) for row in answer.rows] == [
            ("KNOWN", "updated", ""),
            ("NEW", "rejected", "title"),
        ]
        assert [row.field for row in wrong.rows] == ["max_qty"]
        assert _read(shop, known.summary.id).summary.max_qty == 7

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "line 1"),
            (b"title\nx\n", "sku"),
            (b"sku,colour\nA,red\n", "colour"),
            (b"sku,sku\nA,A\n", "twice"),
            (b"sku,title\nA,\xff\n", "UTF-8"),
            (b'sku,title\nA,"open\n', "line 2"),
            (b"sku\n" + b"x" * MAX_BYTES, str(MAX_BYTES)),
            (b"sku\n" + b"".join(b"%d\n" % number for number in range(MAX_ROWS + 1)), str(MAX_ROWS)),
        ],
    )
    def test_refuses_what_is_no_sheet_or_too_large(self, shop: Shop, data: bytes, words: str) -> None:
        with pytest.raises(Refused) as refused:
            _import(shop, data)

        assert (refused.value.code, refused.value.violations[0].field) == ("INVALID_ARGUMENT", "sheet")
        assert words in refused.value.violations[0].description

    def test_moves_stock_with_movements_and_leaves_orders_theirs(self, shop: Shop) -> None:
        product = uuid.UUID(shop.create(sku="A", available=10).summary.id)
        shop.reserve(Checkout.of((product, 4)))

        _import(shop, "sku,available_qty,low_stock_threshold\nA,3,3\n")

        assert shop.inventory(product) == (3, 4, 0, 7)
        sql = "SELECT kind, quantity, cause FROM stock_movements WHERE product_id = :id ORDER BY id"
        moved = {(row.kind, row.quantity, row.cause) for row in shop.mesh.rows("catalog", sql, id=product)}
        assert moved == {("received", 10, "product"), ("set", -3, "import")}
        told = [event for event in shop.mesh.events("catalog", events.ProductLowStock) if event.sku == "A"]
        assert [event.available_qty for event in told if event.product_id == str(product)] == [3]

    def test_leaves_what_it_does_not_name_as_another_call_has_just_set_it(self, shop: Shop) -> None:
        product = uuid.UUID(shop.create(sku="A", available=10).summary.id)

        with ThreadPoolExecutor(1) as pool:
            with shop.mesh.transaction("catalog", Principal(store_id=shop.vendor_id)) as tx:
                set_inventory(tx, product_id=product, available_qty=None, low_stock_threshold=7, field="")
                imported = pool.submit(_import, shop, "sku,available_qty\nA,3\n")
                shop.wait_for_a_waiter()
            assert imported.result().updated == 1

        sql = "SELECT available_qty, low_stock_threshold FROM inventory_items WHERE product_id = :id"
        (stock,) = shop.mesh.rows("catalog", sql, id=product)
        assert (stock.available_qty, stock.low_stock_threshold) == (3, 7)

    def test_touches_no_other_store(self, shop: Shop) -> None:
        other = Shop(shop.mesh)
        foreign = other.create(sku="A", title="Foreign")

        answer = _import(shop, f"{_HEAD}\nA,Mine,{_TAIL},100,,1,0\n")

        assert answer.created == 1
        assert _read(other, foreign.summary.id) == foreign

    def test_audits_what_changed_and_not_the_sheet(self, shop: Shop) -> None:
        shop.create(sku="A", title="Old")

        _import(shop, "sku,title\nA,New\n")

        sql = "SELECT * FROM audit_log WHERE actor_store_id = :id AND action = 'product.import'"
        (row,) = shop.mesh.rows("catalog", sql, id=shop.vendor_id)
        assert (row.before, row.after) == ({"A": {"title": "Old"}}, {"A": {"title": "New"}})
        assert "data" not in row.request.get("sheet", {})

    def test_announces_new_products_in_few_statements(self, shop: Shop) -> None:
        rows = [f"S-{number},Title {number},{_TAIL},100,5:1,1,0" for number in range(50)]

        with shop.statements() as few:
            _import(shop, "\n".join([_HEAD, *rows[:2]]))
        with shop.statements() as many:
            _import(shop, "\n".join([_HEAD, *rows]))

        announced = [event.sku for event in shop.mesh.events("catalog", events.ProductCreated)]
        assert {f"S-{number}" for number in range(50)} <= set(announced)
        assert len(many) <= len(few) + 1


class TestExportProducts:
    def test_comes_back_unchanged(self, shop: Shop) -> None:
        shop.create(
            sku="=1+1", title='Quote " comma , ', subtitle="'=kept", body_html="<p>\r\nline</p>", strain="@x",
            classification="hybrid", thc_percent="18.5", max_qty=9,
            volume_discounts=[{"min_qty": 5, "discount_percent": "7.5"}],
        )  # fmt: skip
        shop.create(sku="-B", is_active=False)
        for sku in ("0017", "1E5", "24:10", "MAR1", "'0018"):
            shop.create(sku=sku)

        sheet = _export(shop)
        answer = _import(shop, sheet.sheet.data)

        assert (sheet.rows, answer.unchanged, len(answer.rows)) == (7, 7, 7)

    @pytest.mark.parametrize("before", ["\uff221", "B\u200d1", "B1\u2800"])
    def test_means_twins_of_before_by_their_own_spelling(self, shop: Shop, before: str) -> None:
        first = shop.create(sku="OLD", title="First").summary.id
        shop.spell("OLD", as_before=before)
        second = shop.create(sku="B1", title="Second").summary.id

        again = _import(shop, _export(shop).sheet.data)
        changed = _import(shop, f"sku,title\n{before},Third\n B1,Fourth\n{before} ,Fifth\n")

        assert (again.unchanged, len(again.rows)) == (2, 2)
        assert [(row.sku, row.product_id, _OUTCOME.Name(row.outcome)) for row in changed.rows] == [
            (before, first, "updated"),
            ("B1", second, "updated"),
            ("B1", "", "rejected"),
        ]
        shown = [_read(shop, product_id).summary for product_id in (first, second)]
        assert [(item.sku, item.title) for item in shown] == [(before, "Third"), ("B1", "Fourth")]
        sql = "SELECT after FROM audit_log WHERE actor_store_id = :id AND action = 'product.import' ORDER BY id"
        told = shop.mesh.rows("catalog", sql, id=shop.vendor_id)[-1].after
        assert told == {before: {"title": "Third"}, "B1": {"title": "Fourth"}}

    def test_has_no_cell_that_a_spreadsheet_runs(self, shop: Shop) -> None:
        for sku in ("=1+1", "+1", "-1", "@SUM(A1)", ";=1", "＝1"):
            shop.create(sku=sku, title="=cmd|' /C calc'!A0")

        cells = [cell for row in csv.reader(io.StringIO(_text(_export(shop)), newline="")) for cell in row]

        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []

    def test_makes_products_in_another_store(self, shop: Shop) -> None:
        shop.create(sku="A", volume_discounts=[{"min_qty": 5, "discount_percent": "7.5"}])
        other = Shop(shop.mesh)

        assert _import(other, _export(shop).sheet.data).created == 1
        assert _export(other).sheet.data == _export(shop).sheet.data

    def test_comes_in_sheets_that_can_be_imported(self, shop: Shop) -> None:
        for number in range(60):
            shop.create(sku=f"S{number}", body_html="x" * 20_000)
            shop.mesh.clock.advance(timedelta(seconds=1))

        first = _export(shop)
        second = _export(shop, cursor=first.next_cursor)

        assert len(first.sheet.data) <= MAX_BYTES
        assert (first.rows + second.rows, second.next_cursor) == (60, "")
        assert _import(shop, first.sheet.data).unchanged == first.rows


def _import(shop: Shop, sheet: str | bytes, *, content_type: str = "text/csv") -> messages.ImportProductsResponse:
    data = sheet.encode() if isinstance(sheet, str) else sheet
    request = messages.ImportProductsRequest(sheet=httpbody_pb2.HttpBody(content_type=content_type, data=data))
    stub = shop.mesh.stub(stubs.ProductSheetServiceStub, "catalog")
    answer: messages.ImportProductsResponse = shop.mesh.write(stub.ImportProducts, request, token=shop.vendor)
    return answer


def _text(answer: messages.ExportProductsResponse) -> str:
    return answer.sheet.data.decode("utf-8-sig")


def _export(shop: Shop, **facts: Any) -> messages.ExportProductsResponse:
    stub = shop.mesh.stub(stubs.ProductSheetServiceStub, "catalog")
    request = messages.ExportProductsRequest(**facts)
    answer: messages.ExportProductsResponse = shop.mesh.read(stub.ExportProducts, request, token=shop.vendor)
    return answer


def _read(shop: Shop, product_id: str) -> Any:
    request = product_service_pb2.GetProductRequest(product_id=product_id)
    return shop.mesh.read(shop.products.GetProduct, request, token=shop.vendor)
