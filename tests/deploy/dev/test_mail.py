"""The mail catcher keeps what it is sent and shows it escaped."""

from __future__ import annotations

import json
import pathlib
import smtplib
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from deploy.dev.stack import Embedded, embedded


@pytest.fixture(scope="module")
def catcher() -> Iterator[Embedded]:
    with (
        tempfile.TemporaryDirectory(prefix="marketmesh-") as folder,
        embedded(parts={"mail"}, state_dir=pathlib.Path(folder) / "state") as running,
    ):
        yield running


def send(catcher: Embedded, *, to: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.test", to, subject
    message.set_content(text)
    with smtplib.SMTP("127.0.0.1", catcher.addresses.ports.smtp, timeout=10) as client:
        client.send_message(message)


def get(catcher: Embedded, path: str) -> str:
    with urllib.request.urlopen(catcher.addresses.url("mail") + path, timeout=10) as response:
        return response.read().decode()


class TestPages:
    def test_lists_and_shows_a_message(self, catcher: Embedded) -> None:
        send(catcher, to="ana@example.test", subject="Grüße & welcome", text="Confirm: https://shop.test/c?a=1&b=2 now")

        (found,) = json.loads(get(catcher, "/messages.json?to=ana@example.test"))
        page = get(catcher, f"/message/{found['id']}")

        assert (found["subject"], found["to"]) == ("Grüße & welcome", "ana@example.test")
        assert "Confirm: https://shop.test/c?a=1&b=2 now" in found["text"]
        assert f'<a href="/message/{found["id"]}">Grüße &amp; welcome</a>' in get(catcher, "/")
        assert '<a href="https://shop.test/c?a=1&amp;b=2" rel="noreferrer">' in page
        assert "Subject: " in get(catcher, f"/message/{found['id']}.eml")
        assert (catcher.state.folder / "mail" / f"{found['id']}.eml").exists()

    def test_escapes_what_came_by_mail(self, catcher: Embedded) -> None:
        evil = "<script>alert(1)</script>"
        send(catcher, to="eve@example.test", subject=evil, text=evil + ' https://x.test/"onmouseover="alert(1)')

        (found,) = json.loads(get(catcher, "/messages.json?to=eve@example.test"))

        for path in ("/", f"/message/{found['id']}", "/?to=%3Cscript%3E"):
            assert "<script" not in get(catcher, path)
        assert 'onmouseover="' not in get(catcher, f"/message/{found['id']}")

    @pytest.mark.parametrize(
        "path", ["/nowhere", "/message/1", "/message/..%2f..%2fsecrets.json", "/message/../secrets.json"]
    )
    def test_knows_nothing_else(self, catcher: Embedded, path: str) -> None:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(catcher, path)
