"""The mail catcher's pages, from a path to a reply. Everything that came by mail is escaped. Called by mail."""

from __future__ import annotations

import email.message
import html
import json
import re
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.dev.mail import Mailbox

Reply = tuple[int, str, bytes]

_HTML = "text/html; charset=utf-8"
_LINK = re.compile(r"https?://[^\s<>\"'&]+(?:&amp;[^\s<>\"'&]+)*")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2430}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #dde}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f6f8;padding:1rem;border-radius:.4rem}"
    "@media(prefers-color-scheme:dark){body{background:#15181d;color:#e6e8eb}pre{background:#20242b}a{color:#8ab4ff}"
    "td,th{border-color:#333}}"
)


def answer(path: str, *, mailbox: Mailbox) -> Reply:
    """Return status, content type and body for a GET."""
    parts = urllib.parse.urlsplit(path)
    to = urllib.parse.parse_qs(parts.query).get("to", [""])[0]
    if parts.path == "/healthz":
        return 200, "text/plain", b"ok"
    if parts.path == "/":
        return 200, _HTML, _list(mailbox.newest(to=to), to=to)
    if parts.path == "/messages.json":
        summaries = [_summary(message_id, message) for message_id, message in mailbox.newest(to=to)]
        return 200, "application/json", json.dumps(summaries).encode()
    if parts.path.startswith("/message/"):
        return _one(parts.path.removeprefix("/message/"), mailbox=mailbox)
    return _missing()


def _missing() -> Reply:
    return 404, _HTML, _page("Not found", '<p>There is no such page. <a href="/">All mail</a></p>')


def _one(name: str, *, mailbox: Mailbox) -> Reply:
    from deploy.dev import mail  # the parser's home; at import time mail imports this module

    content = mailbox.raw(name.removesuffix(".eml"))
    if content is None:
        return _missing()
    if name.endswith(".eml"):
        return 200, "text/plain; charset=utf-8", content
    return 200, _HTML, _message(name, mail.parse(content))


def _summary(message_id: str, message: email.message.EmailMessage) -> dict[str, str]:
    headers = {"from": "X-Envelope-From", "to": "X-Envelope-To", "subject": "Subject", "date": "Date"}
    values = {key: str(message.get(header, "")) for key, header in headers.items()}
    return {"id": message_id, **values, "text": _text(message)}


def _text(message: email.message.EmailMessage) -> str:
    """Return the plain text of a message, or the source of its HTML when that is all there is."""
    try:
        body = message.get_body(preferencelist=("plain", "html"))
        return str(body.get_content()) if body is not None else ""
    except (LookupError, ValueError) as error:  # an unknown charset or a broken structure
        return f"({error}; see the source)"


def _list(messages: list[tuple[str, email.message.EmailMessage]], *, to: str) -> bytes:
    rows = "".join(
        f'<tr><td><a href="/message/{message_id}">{html.escape(str(message.get("Subject", "(no subject)")))}</a></td>'
        f"<td>{html.escape(str(message.get('X-Envelope-To', '')))}</td>"
        f"<td>{html.escape(str(message.get('Date', '')))}</td></tr>"
        for message_id, message in messages
    )
    search = f'<form><input name="to" placeholder="recipient" value="{html.escape(to)}"> <button>Search</button></form>'
    table = f"<table><tr><th>Subject</th><th>To</th><th>Date</th></tr>{rows}</table>"
    return _page("Mail", search + (table if rows else "<p>No mail yet. Reload after the next one.</p>"))


def _message(message_id: str, message: email.message.EmailMessage) -> bytes:
    headers = "".join(
        f"<tr><th>{name}</th><td>{html.escape(str(message.get(header, '')))}</td></tr>"
        for name, header in (("From", "From"), ("To", "X-Envelope-To"), ("Date", "Date"))
    )
    text = _LINK.sub(lambda link: f'<a href="{link[0]}" rel="noreferrer">{link[0]}</a>', html.escape(_text(message)))
    source = f'<p><a href="/message/{message_id}.eml">Source</a> · <a href="/">All mail</a></p>'
    return _page(str(message.get("Subject", "(no subject)")), f"<table>{headers}</table><pre>{text}</pre>{source}")


def _page(title: str, body: str) -> bytes:
    escaped = html.escape(title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escaped}</title>'
    return f'<!doctype html><html lang="en">{head}<style>{_STYLE}</style><h1>{escaped}</h1>{body}</html>'.encode()
