"""Argon2id: its parameters, its equal paths and its bound."""

from __future__ import annotations

import os
import threading

import pytest

from meshkit.errors import DependencyUnavailable
from services.identity.outbound import passwords as module
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

    def test_lets_either_spelling_of_a_letter_in(self, passwords: Passwords) -> None:
        composed, decomposed = "Zürich im Regen", "Zu\u0308rich im Regen"

        assert passwords.matches(passwords.hash(decomposed), composed)
        assert passwords.matches(passwords.hash(composed), decomposed)

    def test_still_knows_hashes_of_passwords_as_they_were_typed(self, passwords: Passwords) -> None:
        decomposed = "Zu\u0308rich im Regen"

        assert passwords.matches(passwords._argon2.hash(decomposed), decomposed)


class TestBound:
    def test_asks_to_come_back_when_all_turns_are_taken(self, known: str) -> None:
        passwords = Passwords(workers=1, waiting=0)
        entered, leave = threading.Event(), threading.Event()

        def occupy() -> None:
            entered.set()
            leave.wait(30)

        occupied = threading.Thread(target=passwords._in_turn, args=(occupy,))
        occupied.start()
        assert entered.wait(30)
        with pytest.raises(DependencyUnavailable) as refused:
            passwords.matches(known, "correct horse")
        leave.set()
        occupied.join(30)

        assert (refused.value.code, refused.value.metadata) == ("UNAVAILABLE", {"dependency": "password_hashing"})
        assert refused.value.retry_after_s == 2
        assert passwords.matches(known, "correct horse") is True

    def test_counts_work_until_it_ends_although_its_caller_went(
        self, known: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_WAIT_SECONDS", 0.01)
        passwords, leave = Passwords(workers=1, waiting=0), threading.Event()
        with pytest.raises(DependencyUnavailable):
            passwords._in_turn(lambda: leave.wait(30))

        with pytest.raises(DependencyUnavailable):
            passwords.matches(known, "correct horse")
        leave.set()
        monkeypatch.undo()
        passwords._threads.submit(lambda: None).result(30)

        assert passwords.matches(known, "correct horse") is True

    def test_lets_every_other_thread_go_first(self) -> None:
        passwords = Passwords(workers=1, waiting=0)

        def priority() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        assert passwords._in_turn(priority) > priority()

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
