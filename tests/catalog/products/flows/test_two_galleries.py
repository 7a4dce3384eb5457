"""Two who change a product's files at once: whoever moves when, media keeps attached what the product shows.

A change that fails puts right what it replaced. The other is stopped at each of its steps while that happens.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2_grpc as media_stubs
from services.catalog.outbound.media_client import MediaClient
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import Refused

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.catalog.shop import Shop

PATIENCE_S = 20.0
_CHANGE, _DELETION = "change", "deletion"
# What the other does, and how far it has come when the change that fails puts right what it attached.
OTHERS = [
    (_CHANGE, "set out"),
    (_CHANGE, "attached"),
    (_CHANGE, "recorded"),
    (_DELETION, "hidden"),
    (_DELETION, "done"),
]


class Contest:
    """One change that fails after it attached its pictures, and another writer of the same product."""

    def __init__(self, shop: Shop) -> None:
        uploads = Uploads(shop.mesh, shop.mesh.stub(media_stubs.MediaServiceStub, "media"), shop.vendor_id)
        self.shop = shop
        self.old, self.new, self.newest = (
            str(uploads.uploaded(kind=Kind.product, mime_type="image/png")) for _ in range(3)
        )
        self.product = shop.create(media_ids=[self.old])
        self.stopped, self.go_on = threading.Event(), threading.Event()

    def lose(self) -> str:
        """Attach pictures and be refused for a certificate that is none; returns the reason."""
        request = messages.UpdateProductRequest(
            product_id=self.product.summary.id, gallery={"media_ids": [self.new]}, coa_media_id=str(uuid.uuid4())
        )
        return self._write(self.shop.products.UpdateProduct, request)

    def other(self, kind: str) -> str:
        """Change the pictures to others, or delete the product; returns the reason of a refusal."""
        product_id = self.product.summary.id
        if kind == _DELETION:
            return self._write(self.shop.products.DeleteProduct, messages.DeleteProductRequest(product_id=product_id))
        request = messages.UpdateProductRequest(product_id=product_id, gallery={"media_ids": [self.newest]})
        return self._write(self.shop.products.UpdateProduct, request)

    def stop(self) -> None:
        """Let the failing change go on, and wait until it has ended."""
        self.stopped.set()
        assert self.go_on.wait(PATIENCE_S)

    def shown(self) -> set[str]:
        sql = "SELECT media_id FROM product_media WHERE product_id = CAST(:id AS uuid)"
        return {str(row.media_id) for row in self.shop.mesh.rows("catalog", sql, id=self.product.summary.id)}

    def attached(self) -> set[str]:
        sql = "SELECT media_id FROM media_attachments WHERE store_id = :id"
        return {str(row.media_id) for row in self.shop.mesh.rows("media", sql, id=self.shop.vendor_id)}

    def _write(self, method: Any, request: Message) -> str:
        try:
            self.shop.mesh.write(method, request, token=self.shop.vendor)
        except Refused as refused:
            return refused.reason
        return ""


def meeting(contest: Contest, kind: str, point: str, begin: Callable[[], None]) -> dict[str, Any]:
    """Return media's calls, changed so that the other begins and stops where the two meet."""
    attach, detach_all = MediaClient.attach, MediaClient.detach_all
    seen: list[set[str]] = []

    def attaching(self: MediaClient, *args: Any, **options: Any) -> Any:
        files = set(map(str, options["media_ids"]))
        if files == {contest.newest} and point == "set out":
            contest.stop()
        # The failing change is about to put the first picture back: now the other has come as far as it shall.
        if files == {contest.old} and not seen:
            seen.append(files)
            begin()
        answer = attach(self, *args, **options)
        if files == {contest.newest} and point == "attached":
            contest.stop()
        return answer

    def detaching(self: MediaClient, *args: Any, **options: Any) -> None:
        detach_all(self, *args, **options)
        if kind == _DELETION and point == "hidden" and not contest.stopped.is_set():
            contest.stop()

    return {"attach": attaching, "detach_all": detaching}


@pytest.mark.parametrize(("kind", "point"), OTHERS)
def test_media_keeps_what_the_product_shows(shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: str, point: str) -> None:
    contest = Contest(shop)
    with ThreadPoolExecutor(1) as pool:
        others: list[Any] = []

        def begin() -> None:
            others.append(pool.submit(contest.other, kind))
            if point in {"recorded", "done"}:
                others[0].result(PATIENCE_S)
            else:
                assert contest.stopped.wait(PATIENCE_S)

        for name, call in meeting(contest, kind, point, begin).items():
            monkeypatch.setattr(MediaClient, name, call)
        lost = contest.lose()
        contest.go_on.set()
        refused = others[0].result(PATIENCE_S)

    assert lost == "MEDIA_UNUSABLE"
    assert contest.attached() == contest.shown()
    # Who was overtaken is told; what is recorded is what was asked.
    wanted = set() if kind == _DELETION else {contest.newest}
    assert contest.shown() == ({contest.old} if refused else wanted)
    assert refused in {"", "STATE_CONFLICT"}
