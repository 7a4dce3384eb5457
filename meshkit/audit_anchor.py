"""Heads of the audit chain, kept outside the database: a person who can rewrite the whole chain cannot rewrite these.

One line of JSON per head, signed, in a folder that no database lives in. `marketmesh prove` holds the chain against them:
every head that ever was must still be at its place. Decision 25.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit import audit
from meshkit.call import Call
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from meshkit.audit import Chain, Head
    from meshkit.db.tx import Transactions

_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Anchors:
    """The anchored heads of one service."""

    folder: Path
    service: str
    # The mesh's digest key; the signing key is derived from it.
    key: str

    @property
    def file(self) -> Path:
        """Return where they are."""
        return self.folder / f"{self.service}.jsonl"

    def add(self, head: Head) -> None:
        """Append a head. A line is short enough to be written as one, also by several processes at once."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = {
            "position": head.position,
            "hash": head.hash.hex(),
            "signature": self._signature(head.position, head.hash),
        }
        with os.fdopen(os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as stream:
            stream.write(json.dumps(line) + "\n")

    def problems(self, chain: Chain) -> list[str]:
        """Return what the anchors say against a chain: forged lines, links that are missing, links that are others."""
        found = []
        for number, text in enumerate(self.file.read_text().splitlines() if self.file.exists() else (), start=1):
            try:
                line = json.loads(text)
                position, hashed = int(line["position"]), bytes.fromhex(line["hash"])
                signed = hmac.compare_digest(line["signature"], self._signature(position, hashed))
            except (ValueError, KeyError, TypeError):
                signed = False
            if not signed:
                found.append(f"{self.file.name}:{number} is not an anchor that this mesh signed")
            elif position > len(chain.hashes) and chain.broken is None:
                found.append(
                    f"the audit chain was cut: link {position} was anchored, the last one is {len(chain.hashes)}"
                )
            elif position <= len(chain.hashes) and chain.hashes[position - 1] != hashed:
                found.append(f"the audit chain was linked anew: link {position} is not the one that was anchored")
        return found[:1]

    def _signature(self, position: int, hashed: bytes) -> str:
        key = hmac.digest(self.key.encode(), b"marketmesh audit anchor", "sha256")
        signed = f"{self.service}:{position}:{hashed.hex()}".encode()
        return hmac.new(key, signed, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Anchorer:
    """Anchors each new head; two at once only write a line twice."""

    transactions: Transactions
    anchors: Anchors

    def run(self, stop: threading.Event) -> None:
        """Anchor until told to stop, and once more then."""
        last = 0
        while not stop.wait(_EVERY_SECONDS):
            last = self._try(last)
        self._try(last)

    def _try(self, last: int) -> int:
        try:
            return self.anchor(last)
        except (SQLAlchemyError, OSError) as error:
            get_logger().warning("audit.not_anchored", error=str(error)[:300])
            return last

    def anchor(self, last: int = 0) -> int:
        """Anchor the committed head unless it is the link `last`; returns its position."""
        with self.transactions.read(Call()) as tx:
            head = audit.head_of(tx)
        if head is None or head.position == last:
            return last
        self.anchors.add(head)
        return head.position
