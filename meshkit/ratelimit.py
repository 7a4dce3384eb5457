"""Rate limits: methods name a bucket, the numbers are deployment configuration (`deploy/config/ratelimits.toml`).

When Redis is away the limiter lets calls through and counts that, except buckets marked `strict` (log-in): those fall
back to a limiter in this process.
"""

from __future__ import annotations

import hashlib
import math
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from meshkit.errors import RateLimitExceeded
from meshkit.obs.metrics import RATE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from google.protobuf.message import Message

    from meshkit.call import Call


@dataclass(frozen=True)
class Rule:
    """`limit` calls per window for one kind of subject: `ip`, `principal`, `store` or `field:<request field>`."""

    subject: str
    limit: RateLimitItem


@dataclass(frozen=True)
class Bucket:
    """A named set of rules; every one must hold."""

    name: str
    rules: tuple[Rule, ...]
    strict: bool


def load_buckets(path: Path) -> dict[str, Bucket]:
    """Read the buckets. Raises ValueError naming the bucket with a malformed limit."""
    document = tomllib.loads(path.read_text())
    return {name: _bucket(name, entry) for name, entry in document.items()}


def _bucket(name: str, entry: Mapping[str, Any]) -> Bucket:
    try:
        rules = tuple(Rule(subject, parse(limit)) for subject, limit in entry.items() if subject != "strict")
    except ValueError as error:
        raise ValueError(f"rate limit {name!r}: {error}") from error
    return Bucket(name, rules, bool(entry.get("strict", False)))


class RateLimiter:
    """Counts calls in Redis; windows are fixed."""

    def __init__(self, *, buckets: Mapping[str, Bucket], redis_url: str) -> None:
        self._buckets = buckets
        self._shared = FixedWindowRateLimiter(RedisStorage(redis_url, socket_timeout=1, socket_connect_timeout=1))
        self._local = FixedWindowRateLimiter(MemoryStorage())

    def require(self, names: Iterable[str]) -> None:
        """Raise LookupError if a bucket that a policy names has no numbers."""
        for name in names:
            if name and name not in self._buckets:
                raise LookupError(f"rate limit bucket {name!r} is named by a policy but not configured")

    def check(self, *, bucket: str, call: Call, request: Message) -> None:
        """Count the call. Raises RateLimitExceeded with the seconds until the window ends."""
        for rule in self._buckets[bucket].rules:
            self._check_rule(self._buckets[bucket], rule, _subject(rule.subject, call, request))

    def _check_rule(self, bucket: Bucket, rule: Rule, subject: str) -> None:
        limiter = self._shared
        try:
            allowed = limiter.hit(rule.limit, "rl", bucket.name, subject)
        except (redis.RedisError, StorageError, OSError):
            RATE_LIMIT.labels(bucket.name, "redis_away").inc()
            if not bucket.strict:
                return
            limiter = self._local
            allowed = limiter.hit(rule.limit, "rl", bucket.name, subject)
        RATE_LIMIT.labels(bucket.name, "allowed" if allowed else "refused").inc()
        if not allowed:
            reset_at = limiter.get_window_stats(rule.limit, "rl", bucket.name, subject).reset_time
            wait_s = max(1, math.ceil(reset_at - time.time()))
            raise RateLimitExceeded("Too many calls.", retry_after_s=wait_s, bucket=bucket.name)


def _subject(kind: str, call: Call, request: Message) -> str:
    if kind == "ip":
        return f"ip:{call.client_ip}"
    if kind == "store":
        return f"store:{call.principal.store_id}"
    if kind.startswith("field:"):
        value = str(getattr(request, kind.removeprefix("field:"))).strip().lower()
        return f"{kind}:{hashlib.sha256(value.encode()).hexdigest()}"
    return call.principal.subject
