"""Argon2id: its parameters, its equal paths and its bound."""

from __future__ import annotations

import threading

import pytest

from meshkit.errors import RateLimitExceeded
from services.identity.outbound.passwords import Passwords


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(workers=2, waiting=0)


@pytest.fixture(scope="module")
def known(passwords: Passwords) -> str:
    return passwords.hash("correct horse")


class TestHash:
    def test_names_the_demanded_parameters(self, known: str) -> None:
        import base64

        _, kind, version, parameters, salt, digest = known.split("$")

        assert (kind, version, parameters) == ("argon2id", "v=19", "m=65536,t=3,p=2")
        assert [len(base64.b64decode(part + "==")) for part in (salt, digest)] == [16, 32]

    def test_salts(self, passwords: Passwords, known: str) -> None:
        assert passwords.hash("correct horse") != known


class TestMatches:
    def test_lets_the_right_password_in_only(self, passwords: Passwords, known: str) -> None:
        answers = [
            passwords.matches(known, "correct horse"),
            passwords.matches(known, "Correct horse"),
            passwords.matches(known, ""),
            passwords.matches("not a hash", "correct horse"),
        ]

        assert answers == [True, False, False, False]

    def test_lets_nobody_in_without_a_hash(self, passwords: Passwords) -> None:
        assert passwords.matches(None, "nobody has this password") is False


class TestBound:
    def test_asks_to_come_back_when_all_turns_are_taken(self, known: str) -> None:
        passwords = Passwords(workers=1, waiting=0)
        entered, leave = threading.Event(), threading.Event()

        def occupy() -> None:
            with passwords._turn():
                entered.set()
                leave.wait(10)

        thread = threading.Thread(target=occupy)
        thread.start()
        assert entered.wait(5)
        with pytest.raises(RateLimitExceeded) as refused:
            passwords.matches(known, "correct horse")
        leave.set()
        thread.join(5)

        assert (refused.value.code, refused.value.metadata) == ("RESOURCE_EXHAUSTED", {"bucket": "password_hashing"})
        assert refused.value.retry_after_s == 1
        assert passwords.matches(known, "correct horse") is True

    def test_gives_the_turn_back_after_a_defect(self, monkeypatch: pytest.MonkeyPatch, known: str) -> None:
        passwords = Passwords(workers=1, waiting=0)

        class Broken:
            def verify(self, *_: object) -> bool:
                raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(passwords, "_argon2", Broken())
            with pytest.raises(RuntimeError):
                passwords.matches(known, "x")

        assert passwords.matches(known, "correct horse") is True
