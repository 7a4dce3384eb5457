"""Which passwords may be chosen."""

from __future__ import annotations

import pytest

from services.identity.accounts.domain.password_rules import complaint_about, normalised

EMAIL = "ada.byron@example.com"


class TestComplaintAbout:
    @pytest.mark.parametrize(
        "password",
        [
            "correct horse battery staple",
            "Zürich im Regen",
            "пароль длинный очень",
            "xK9#mQ2$vL7@",
            "ada likes analytical engines",
        ],
    )
    def test_is_none_of_what_nobody_guesses(self, password: str) -> None:
        assert complaint_about(password, email=EMAIL) == ""

    @pytest.mark.parametrize(
        "password",
        [
            "password1234",
            "Password2026!",
            "1234567890123",
            "!!!2026-2027!!!",
            "qwertyuiop12",
            "passwordpassword",
            "abcdabcdabcd",
            "ｐａｓｓｗｏｒｄ1234",
            "1q2w3e4r5t6y",
            "qazwsxedcrfv",
        ],
    )
    def test_refuses_what_is_guessed_first(self, password: str) -> None:
        assert "guessed" in complaint_about(password, email=EMAIL)

    def test_refuses_one_character_over_and_over(self) -> None:
        assert "different characters" in complaint_about("aaaaaaaaaaaaaaa", email=EMAIL)

    @pytest.mark.parametrize("password", [EMAIL, EMAIL.upper(), f"my {EMAIL}", "ADA.BYRON"])
    def test_refuses_the_own_address(self, password: str) -> None:
        assert "e-mail" in complaint_about(password, email=EMAIL)


class TestNormalised:
    def test_makes_composed_and_decomposed_spelling_one(self) -> None:
        assert normalised("Zu\u0308rich") == normalised("Zürich") == "Zürich"
