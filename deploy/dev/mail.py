"""A mail server that delivers nowhere: `python -m deploy.dev.mail`. Keeps each message as a file, shows it on a page.

Invariant: what a message contains is only ever shown escaped. Pages: `/` (list), `/message/<id>`, `/message/<id>.eml`,
`/messages.json?to=` for scripts. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.message
import email.policy
import http.server
import pathlib
import signal
import threading
import time

from aiosmtpd import smtp

from deploy.dev import mail_page
from deploy.dev.ports import HOST

_BYTES_MAX = 20 << 20
_LIST_MAX = 200


class Mailbox:
    """Messages as `<id>.eml` files, newest first; ids grow with time."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)

    def put(self, *, sender: str, recipients: list[str], content: bytes) -> None:
        """Store one message with its envelope; it appears complete or not at all."""
        envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {', '.join(recipients)}\r\n".encode()
        path = self._folder / f"{time.time_ns()}.eml"
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(envelope + content)
        unfinished.replace(path)

    def raw(self, message_id: str) -> bytes | None:
        """Return the file's content, or None when there is no such message."""
        if not message_id.isdigit():
            return None
        path = self._folder / f"{message_id}.eml"
        return path.read_bytes() if path.exists() else None

    def newest(self, *, to: str = "") -> list[tuple[str, email.message.EmailMessage]]:
        """Return at most 200 messages whose envelope names `to` (any when empty)."""
        found = []
        for path in sorted(self._folder.glob("*.eml"), key=lambda path: path.name, reverse=True):
            message = parse(path.read_bytes())
            if to.lower() in str(message.get("X-Envelope-To", "")).lower():
                found.append((path.stem, message))
            if len(found) == _LIST_MAX:
                break
        return found


def parse(content: bytes) -> email.message.EmailMessage:
    """Parse a stored message."""
    return email.message_from_bytes(content, policy=email.policy.default)


class _Catcher:
    """The hook that aiosmtpd calls for each message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: smtp.SMTP, session: smtp.Session, envelope: smtp.Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = envelope.mail_from or ""
        await asyncio.to_thread(self._mailbox.put, sender=sender, recipients=list(envelope.rcpt_tos), content=content)
        return "250 Message kept"


class _Page(http.server.BaseHTTPRequestHandler):
    mailbox: Mailbox

    def do_GET(self) -> None:
        status, content_type, body = mail_page.answer(self.path, mailbox=self.mailbox)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        # Even a mistake in escaping must not run a script that came by mail.
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log no page views."""


async def serve(*, smtp_port: int, page_port: int, folder: pathlib.Path) -> None:
    """Serve both ports until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(folder)
    catcher = _Catcher(mailbox)
    server = await loop.create_server(
        lambda: smtp.SMTP(catcher, data_size_limit=_BYTES_MAX, enable_SMTPUTF8=True, loop=loop), HOST, smtp_port
    )
    handler = type("Page", (_Page,), {"mailbox": mailbox})
    page = http.server.ThreadingHTTPServer((HOST, page_port), handler)
    page.daemon_threads = True
    threading.Thread(target=page.serve_forever, name="page", daemon=True).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()
    page.shutdown()


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.mail", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(smtp_port=arguments.smtp_port, page_port=arguments.page_port, folder=arguments.folder))


if __name__ == "__main__":
    main()
