"""A client of the REST gateway that behaves as a good client should: keys on writes, retries, refreshed tokens."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

# A write is repeated with its own key, so repeating it is always safe.
_AGAIN = {429, 502, 503, 504}
_RETRY_FOR_S = 120.0
_TIMEOUT_S = 30.0


class Unexpected(Exception):
    """The gateway answered with a status the caller did not expect."""


@dataclass
class Step:
    """One REST call as the summary shows it."""

    title: str
    route: str
    status: int
    ms: float


@dataclass
class Answer:
    """A response."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Journal:
    """What has been called so far."""

    steps: list[Step] = field(default_factory=list)

    def note(self, title: str, route: str, status: int, ms: float) -> None:
        """Add a step; calls without a title (polling) are left out."""
        if title:
            self.steps.append(Step(title, route, status, ms))


@dataclass
class RestClient:
    """One person at the gateway."""

    base_url: str
    journal: Journal
    access_token: str = ""
    refresh_token: str = ""

    def __post_init__(self) -> None:
        self._session = requests.Session()
        # The gateway is this machine's or named by the operator: no proxy stands in between.
        self._session.trust_env = False

    def get(self, path: str, *, title: str = "", expect: int = 200, query: dict[str, Any] | None = None) -> Any:
        """Read; returns the body."""
        return self.send("GET", path, title=title, expect=expect, query=query).body

    def post(self, path: str, body: dict[str, Any], *, title: str = "", expect: int = 200, key: str = "") -> Any:
        """Write with a fresh idempotency key unless one is given; returns the body."""
        return self.send("POST", path, title=title, expect=expect, body=body, key=key or uuid.uuid4().hex).body

    def send(
        self,
        method: str,
        path: str,
        *,
        title: str = "",
        expect: int = 200,
        body: dict[str, Any] | None = None,
        key: str = "",
        query: dict[str, Any] | None = None,
    ) -> Answer:
        """Call until the gateway gives a final answer. Raises Unexpected for another status than `expect`."""
        started = time.perf_counter()
        answer = self._until_final(method, path, body=body, key=key, query=query)
        if answer.status == 401 and expect != 401 and self.refresh_token and _may_refresh(answer):
            self.refresh()
            answer = self._until_final(method, path, body=body, key=key, query=query)
        self.journal.note(title, f"{method} {path}", answer.status, (time.perf_counter() - started) * 1000)
        if answer.status != expect:
            raise Unexpected(f"{method} {path}: expected {expect}, got {answer.status}: {answer.body}")
        return answer

    def sign_in(self, path: str, body: dict[str, Any], *, title: str) -> Any:
        """Call a sign-in route and keep the tokens it answers; returns the body."""
        answer = self.send("POST", path, title=title, body=body, key=uuid.uuid4().hex)
        if "x-access-token" not in answer.headers:
            # The first answer got lost and this is its replay, which never repeats tokens.
            login = {"email": body["email"], "password": body["password"]}
            self._keep_tokens(self.send("POST", "/api/v1/auth/login", body=login))
        else:
            self._keep_tokens(answer)
        return answer.body

    def refresh(self, *, title: str = "") -> None:
        """Trade the refresh token for new tokens."""
        answer = self.send("POST", "/api/v1/auth/refresh", title=title, body={"refresh_token": self.refresh_token})
        self._keep_tokens(answer)

    def switch_store(self, store_id: str, *, title: str) -> None:
        """Act for another store."""
        answer = self.send("POST", "/api/v1/auth/switch-store", title=title, body={"store_id": store_id})
        self._keep_tokens(answer)

    def upload(self, signed: dict[str, Any], data: bytes, *, title: str) -> None:
        """PUT bytes to where an answer says, with the headers it says."""
        started = time.perf_counter()
        response = self._session.put(signed["signed_put_url"], data=data, headers=signed["headers"], timeout=_TIMEOUT_S)
        self.journal.note(title, "PUT signed URL", response.status_code, (time.perf_counter() - started) * 1000)
        if response.status_code != 200:
            raise Unexpected(f"PUT signed URL: {response.status_code}: {response.text[:300]}")

    def _keep_tokens(self, answer: Answer) -> None:
        self.access_token = answer.headers["x-access-token"]
        self.refresh_token = answer.headers["x-refresh-token"]

    def _until_final(
        self, method: str, path: str, *, body: dict[str, Any] | None, key: str, query: dict[str, Any] | None
    ) -> Answer:
        deadline = time.monotonic() + _RETRY_FOR_S
        while True:
            answer = self._once(method, path, body=body, key=key, query=query)
            if answer is not None and answer.status not in _AGAIN and not _in_progress(answer):
                return answer
            if time.monotonic() > deadline:
                if answer is None:
                    raise Unexpected(f"{method} {path}: the gateway at {self.base_url} does not answer")
                return answer
            time.sleep(float(answer.headers.get("retry-after", 1)) if answer else 0.5)

    def try_once(self, method: str, path: str, *, body: dict[str, Any] | None = None, key: str = "") -> Answer:
        """Call once and return whatever comes; status 0 when nothing does."""
        return self._once(method, path, body=body, key=key, query=None) or Answer(0, None, {})

    def _once(
        self, method: str, path: str, *, body: dict[str, Any] | None, key: str, query: dict[str, Any] | None
    ) -> Answer | None:
        headers = {"authorization": f"Bearer {self.access_token}"} if self.access_token else {}
        if key:
            headers["idempotency-key"] = key
        try:
            response = self._session.request(
                method, self.base_url + path, json=body, params=query, headers=headers, timeout=_TIMEOUT_S
            )
        except (requests.ConnectionError, requests.Timeout):
            return None
        return Answer(response.status_code, _decode(response), {k.lower(): v for k, v in response.headers.items()})


def reason_of(answer: Answer) -> str:
    """Return the reason of an error answer, or an empty string."""
    return str(_info(answer).get("reason", ""))


def _info(answer: Answer) -> dict[str, Any]:
    details = answer.body.get("details", []) if isinstance(answer.body, dict) else []
    return next((item for item in details if "reason" in item), {})


def _may_refresh(answer: Answer) -> bool:
    return _info(answer).get("metadata", {}).get("cause") in {"token_expired", "token_revoked"}


def _in_progress(answer: Answer) -> bool:
    return answer.status == 409 and reason_of(answer) in {"IDEMPOTENCY_IN_PROGRESS", "CHECKOUT_RUNNING"}


def _decode(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text
