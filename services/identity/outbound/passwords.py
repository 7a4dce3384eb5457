"""Argon2id with a bound on how many run at once, so that a login storm cannot take the processors from checkout."""

from __future__ import annotations

import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from meshkit.errors import RateLimitExceeded

# REQUIREMENTS A.1.3: 64 MiB, 3 passes, 2 lanes, salt 16 bytes, hash 32 bytes.
_MEMORY_KIB, _PASSES, _LANES, _SALT_BYTES, _HASH_BYTES = 65_536, 3, 2, 16, 32
_WAIT_SECONDS = 5.0


class Passwords:
    """Hashes and checks passwords; `workers` at once, `waiting` more may wait, the rest is asked to come back."""

    def __init__(self, *, workers: int, waiting: int) -> None:
        self._argon2 = PasswordHasher(
            time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES
        )
        self._running = threading.Semaphore(workers)
        self._admitted = threading.Semaphore(workers + waiting)

    def hash(self, password: str) -> str:
        """Return the PHC string of a password. Raises RateLimitExceeded when too many are being hashed."""
        with self._turn():
            return self._argon2.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password fits. Without a hash it takes the same time and answers False."""
        with self._turn():
            try:
                return self._argon2.verify(password_hash or self._nobody, password) and password_hash is not None
            except (VerificationError, InvalidHashError):
                return False

    @cached_property
    def _nobody(self) -> str:
        return self._argon2.hash("nobody has this password")

    def _turn(self) -> _Turn:
        return _Turn(self._admitted, self._running)


class _Turn:
    def __init__(self, admitted: threading.Semaphore, running: threading.Semaphore) -> None:
        self._admitted = admitted
        self._running = running

    def __enter__(self) -> None:
        if not self._admitted.acquire(blocking=False):
            raise RateLimitExceeded("Too many sign-ins at once.", bucket="password_hashing")
        if not self._running.acquire(timeout=_WAIT_SECONDS):
            self._admitted.release()
            raise RateLimitExceeded("Too many sign-ins at once.", bucket="password_hashing")

    def __exit__(self, *_: object) -> None:
        self._running.release()
        self._admitted.release()
