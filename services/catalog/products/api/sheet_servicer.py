"""ProductSheetService: a vendor's products as one sheet."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from google.api import httpbody_pb2

from marketmesh.catalog.v1 import product_sheet_service_pb2 as messages
from meshkit.cursor import Page
from services.catalog.products.domain.sheet import MAX_ROWS, Problem
from services.catalog.products.usecases.export_products import export_products
from services.catalog.products.usecases.import_products import import_products
from services.catalog.products.usecases.read_sheet import read_sheet

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class ProductSheetServicer:
    """Translates; the rules are in the use cases."""

    def ImportProducts(self, request: messages.ImportProductsRequest, tx: Tx) -> messages.ImportProductsResponse:
        rows = read_sheet(request.sheet.data, content_type=request.sheet.content_type)
        changes = {each.row.line: each for each in import_products(tx, rows)}
        answer = messages.ImportProductsResponse()
        for row in rows:
            outcome = "rejected" if row.problems else changes[row.line].outcome
            first = row.problems[0] if row.problems else Problem("", "")
            answer.rows.add(
                line=row.line,
                sku=row.sku,
                outcome=outcome,
                product_id="" if row.problems else str(changes[row.line].product_id),
                field=first.field,
                reason=first.reason,
                problems=[messages.CellProblem(field=problem.field, reason=problem.reason) for problem in row.problems],
            )
        names = messages.ImportOutcome.Value
        for number, count in Counter(row.outcome for row in answer.rows).items():
            setattr(answer, names.Name(number), count)
        return answer

    def ExportProducts(self, request: messages.ExportProductsRequest, tx: Tx) -> messages.ExportProductsResponse:
        text, rows, following = export_products(tx, page=Page.of(request, limit=MAX_ROWS))
        tx.call.headers["content-disposition"] = f'attachment; filename="products-{tx.now:%Y-%m-%d}.csv"'
        if following:
            tx.call.headers["x-next-cursor"] = following
        sheet = httpbody_pb2.HttpBody(content_type="text/csv; charset=utf-8", data=text.encode("utf-8-sig"))
        return messages.ExportProductsResponse(sheet=sheet, rows=rows, next_cursor=following)
