"""Calls that know no mercy: repeated, hung up on, and compared byte for byte with their replays."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse

import requests

from deploy.tools.people import Person
from deploy.tools.rest_client import Unexpected

_AGAIN = {0, 429, 502, 503, 504}
_PATIENCE_S = 90.0


@dataclass(frozen=True)
class Kept:
    """A final answer to a write, and how to ask for it again."""

    person: Person
    path: str
    body: dict[str, Any]
    key: str
    status: int
    content: bytes


@dataclass
class CallLog:
    """What the callers saw."""

    answers: list[Kept] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    dropped: int = 0
    repeated: int = 0


@dataclass
class Caller:
    """One person's way to the gateway; every write is repeated with its key until its answer is final."""

    url: str
    person: Person
    log: CallLog
    dice: random.Random
    stop: threading.Event

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def write(
        self, path: str, body: dict[str, Any], *, ok: tuple[int, ...], refusals: tuple[int, ...] = ()
    ) -> dict[str, Any] | None:
        """Return the answer, or None for a refusal that is part of the game. Raises Unexpected for any other."""
        key = uuid.uuid4().hex
        if self.dice.random() < 0.15:
            self._hang_up(path, body, key)
        kept = self.final(path, body, key)
        if kept is None:
            return None
        if kept.status in ok:
            self.log.answers.append(kept)
            if self.dice.random() < 0.2:
                self.log.repeated += 1
                require_same(kept, self.final(path, body, key))
            answer: dict[str, Any] = json.loads(kept.content)
            return answer
        if kept.status in refusals:
            return None
        raise Unexpected(f"POST {path}: {kept.status} {kept.content[:400]!r}")

    def final(self, path: str, body: dict[str, Any], key: str) -> Kept | None:
        """Call until the answer is final; None when the mesh stays away too long."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            status, content = self._once("POST", path, body=body, key=key)
            if status == 401:
                self._renew()
            elif status not in _AGAIN and not _is_running(status, content):
                return Kept(self.person, path, body, key, status, content)
            time.sleep(0.2)
        raise Unexpected(f"POST {path}: no final answer within {_PATIENCE_S} s")

    def read(self, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the items of a list, or nothing while the mesh is away."""
        items: list[dict[str, Any]] = self.see(path, query).get("items", [])
        return items

    def see(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what stands there, or nothing while the mesh is away."""
        status, content = self._once("GET", path, query=query)
        if status == 401:
            self._renew()
        found: dict[str, Any] = json.loads(content) if status == 200 else {}
        return found

    def _once(
        self, method: str, path: str, *, body: Any = None, key: str = "", query: dict[str, Any] | None = None
    ) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self.person.client.access_token}"}
        if key:
            headers["idempotency-key"] = key
        try:
            response = self._session.request(
                method, self.url + path, json=body, params=query, headers=headers, timeout=25
            )
        except requests.RequestException:
            return 0, b""
        return response.status_code, response.content

    def _renew(self) -> None:
        try:
            self.person.client.refresh()
        except Unexpected:
            # Away, or refreshed already: the next call tells.
            time.sleep(0.2)

    def _hang_up(self, path: str, body: dict[str, Any], key: str) -> None:
        """Send the request and go before the answer comes: the caller cannot know what happened."""
        where = urlparse(self.url)
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {where.netloc}\r\nauthorization: Bearer {self.person.client.access_token}\r\n"
            f"idempotency-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        try:
            with socket.create_connection((where.hostname or "", where.port or 80), timeout=5) as connection:
                connection.sendall(head.encode() + data)
                time.sleep(self.dice.uniform(0.0, 0.05))
        except OSError:
            return
        self.log.dropped += 1


def require_same(kept: Kept, again: Kept | None) -> None:
    """Raise Unexpected unless a repeat got the very bytes of the first answer."""
    if again is None or (again.status, again.content) != (kept.status, kept.content):
        seen = again and (again.status, again.content[:300])
        raise Unexpected(f"{kept.path} key {kept.key}: first {kept.status} {kept.content[:300]!r}, again {seen!r}")


def _is_running(status: int, content: bytes) -> bool:
    return status == 409 and (b"IDEMPOTENCY_IN_PROGRESS" in content or b"CHECKOUT_RUNNING" in content)
