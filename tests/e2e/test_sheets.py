"""A shop owner's sheet through the real Envoy: in, reported row by row, and out again as a file."""

from __future__ import annotations

import csv
import io
import uuid

import pytest
import requests

from deploy.tools.people import Cast, Person
from deploy.tools.rest_client import reason_of
from deploy.tools.running_mesh import RunningMesh
from tests.e2e.rest import detail, raw

pytestmark = pytest.mark.timeout(420)

_HEAD = "sku,title,category,unit,feelings,flavors,usage,price_cents,available_qty"
_REST = "flower,gram,happy|calm,pine,sleep"
# The mark that spreadsheet programs write in front of UTF-8.
_MARK = "\ufeff"


@pytest.fixture
def vendor(mesh: RunningMesh) -> Person:
    return Cast(mesh.url).store(f"vendor-{uuid.uuid4().hex[:6]}", store_type="vendor")


def sheet(*rows: str) -> bytes:
    return (_MARK + "\r\n".join([_HEAD, *rows]) + "\r\n").encode()


def send(vendor: Person, data: bytes, *, key: str = "", kind: str = "text/csv") -> requests.Response:
    headers = {
        "authorization": f"Bearer {vendor.client.access_token}",
        "idempotency-key": key or uuid.uuid4().hex,
        "content-type": kind,
    }
    return requests.post(
        f"{vendor.client.base_url}/api/v1/vendor/products:import", data=data, headers=headers, timeout=30
    )


def fetch(vendor: Person, cursor: str = "") -> requests.Response:
    return requests.get(
        f"{vendor.client.base_url}/api/v1/vendor/products:export",
        params={"cursor": cursor} if cursor else {},
        headers={"authorization": f"Bearer {vendor.client.access_token}", "origin": "http://localhost:3000"},
        timeout=30,
    )


def test_a_sheet_goes_in_row_by_row_and_comes_out_as_a_file(vendor: Person) -> None:
    rows = [f"A,Crème brûlée,{_REST},100,7", f"B,=cmd,{_REST},200,3", f"C,Cheap,{_REST},-1,3", f"A,Twice,{_REST},1,1"]
    key = uuid.uuid4().hex

    first, again = (send(vendor, sheet(*rows), key=key) for _ in range(2))
    file = fetch(vendor)

    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert again.headers["x-idempotent-replay"] == "true"
    answer = first.json()
    assert (answer["created"], answer["updated"], answer["rejected"]) == (2, 0, 2)
    wrong = [(row["line"], row["sku"], row["field"]) for row in answer["rows"] if row["outcome"] == "rejected"]
    assert wrong == [(4, "C", "price_cents"), (5, "A", "sku")]
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    kind, _, name = file.headers["content-disposition"].partition("; ")
    assert (kind, name[:19], name[-5:]) == ("attachment", 'filename="products-', '.csv"')
    assert "x-next-cursor" not in file.headers
    assert file.content.decode().startswith(_MARK)
    found = {row["sku"]: row["title"] for row in csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))}
    assert found == {"A": "Crème brûlée", "B": "'=cmd"}


def test_the_file_goes_in_again_and_changes_nothing(vendor: Person) -> None:
    sku = uuid.uuid4().hex
    send(vendor, sheet(f"{sku},Ünïcode ☘,{_REST},100,7"))

    answer = send(vendor, fetch(vendor).content, kind="application/vnd.ms-excel").json()

    assert answer["unchanged"] == len(answer["rows"])
    assert sku in {row["sku"] for row in answer["rows"]}


def test_another_sheet_with_the_same_key_is_409(vendor: Person) -> None:
    key = uuid.uuid4().hex
    send(vendor, sheet(f"{key},One,{_REST},100,7"), key=key)

    answer = send(vendor, sheet(f"{key},Other,{_REST},100,7"), key=key)

    assert (answer.status_code, reason_in(answer)) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe\x00s", b"sku,colour\nA,red\n", b'sku,title\n"A', b"title\nx\n", b"x" * 1_100_000],
    ids=["empty", "not UTF-8", "unknown column", "open quote", "no SKU", "too large"],
)
def test_what_is_no_sheet_is_400_and_says_so(vendor: Person, data: bytes) -> None:
    answer = send(vendor, data)

    assert answer.status_code in {400, 413}
    assert reason_in(answer) == "VALIDATION_ERROR"
    details = next(item for item in answer.json()["details"] if item["@type"].endswith("BadRequest"))
    assert [item["field"].split(".")[0] for item in details["field_violations"]] in (["sheet"], ["body"])


def test_a_buyer_has_no_sheet(mesh: RunningMesh) -> None:
    buyer = Cast(mesh.url).store(f"buyer-{uuid.uuid4().hex[:6]}", store_type="buyer")

    answer = raw(buyer.client, "GET", "/api/v1/vendor/products:export")

    assert (answer.status, reason_of(answer)) == (403, "FORBIDDEN")
    assert detail(answer, "ErrorInfo")["metadata"]["needs"] == "vendor store"


def reason_in(answer: requests.Response) -> str:
    reason: str = answer.json()["details"][0]["reason"]
    return reason
