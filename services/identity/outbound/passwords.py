"""Argon2id on a few threads that step back, so that a login storm cannot take the processors from checkout."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from meshkit.errors import DependencyUnavailable, ValidationError
from services.identity.accounts.domain.password_rules import complaint_about, normalised

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

# REQUIREMENTS A.1.3: 64 MiB, 3 passes, 2 lanes, salt 16 bytes, hash 32 bytes.
_MEMORY_KIB, _PASSES, _LANES, _SALT_BYTES, _HASH_BYTES = 65_536, 3, 2, 16, 32
_WAIT_SECONDS = 5.0
# When all turns are taken: as long as a full queue takes on a busy machine.
_COME_BACK_SECONDS = 2
_NICE_MAX = 19
_NICE = 10


class Passwords:
    """Hashes and checks passwords; `workers` at once, `waiting` more may wait, the rest is asked to come back.

    Whoever waits holds a thread that answers RPCs, so both together must be fewer than those.
    """

    def __init__(self, *, workers: int, waiting: int) -> None:
        self._argon2 = PasswordHasher(
            time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES
        )
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2", initializer=_step_back)
        self._turns = threading.Semaphore(workers + waiting)

    def hash_new(self, password: str, *, email: str) -> str:
        """Return the PHC string of a password that somebody chooses.

        Raises ValidationError for one that is easily guessed, DependencyUnavailable when too many are being hashed.
        """
        if complaint := complaint_about(password, email=email):
            raise ValidationError.of("password", complaint, reason="GUESSABLE")
        return self.hash(password)

    def hash(self, password: str) -> str:
        """Return the PHC string of a password. Raises DependencyUnavailable when too many are being hashed."""
        return self._in_turn(lambda: self._argon2.hash(normalised(password)))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password fits. Without a hash it takes the same time and answers False.

        Raises DependencyUnavailable when too many are being hashed.
        """
        return self._in_turn(lambda: self._fits(password_hash, password))

    def _fits(self, password_hash: str | None, password: str) -> bool:
        # Hashes from before spellings were made one are of the password as it was typed. How often we compare depends on
        # what is typed only, not on whom we know.
        spellings = dict.fromkeys((normalised(password), password))
        compared = [self._verify(password_hash or self._nobody, each) for each in spellings]
        return any(compared) and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _nobody(self) -> str:
        return self._argon2.hash("nobody has this password")

    def _in_turn(self, work: Callable[[], Result]) -> Result:
        if not self._turns.acquire(blocking=False):
            raise _too_many()
        future: Future[Result] = self._threads.submit(work)
        # Given back when the work ends, not when its caller does.
        future.add_done_callback(lambda _: self._turns.release())
        try:
            return future.result(_WAIT_SECONDS)
        except TimeoutError:
            future.cancel()
            raise _too_many() from None


def _too_many() -> DependencyUnavailable:
    return DependencyUnavailable(
        "Too many sign-ins at once.", dependency="password_hashing", retry_after_s=_COME_BACK_SECONDS
    )


def _step_back() -> None:
    """Let every other thread go first; Argon2's lanes inherit it. On Linux a thread has a priority of its own."""
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, min(_NICE_MAX, os.getpriority(os.PRIO_PROCESS, thread) + _NICE))
