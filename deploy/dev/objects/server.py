"""Signed PUT and GET of objects, and what media asks of the JSON API: buckets, metadata, bytes, deletion."""

from __future__ import annotations

import http.server
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from deploy.dev.objects.gate import Gate
from deploy.dev.objects.refusals import Refused, missing, precondition
from deploy.dev.objects.shelf import Shelf, Stored
from deploy.dev.ports import HOST

_BODY_MAX = 64 * 1024 * 1024
_JSON = re.compile(r"(?:/download)?/storage/v1/b(?:/([^/]+)(?:/o/([^/]+))?)?$")
_RANGE = re.compile(r"bytes=(\d+)-(\d+)$")
_LENGTHS = re.compile(r"(\d+),(\d+)$")
_NOT_ALLOWED = Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT",
    "Access-Control-Allow-Headers": "content-type, x-goog-content-length-range, x-goog-if-generation-match",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    gate: Gate
    shelf: Shelf
    tell: Callable[[Stored], None]

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200, b"ok", {"Content-Type": "text/plain"})
        else:
            self._serve(self._json_get, self._object_get)

    def do_HEAD(self) -> None:
        self._serve(None, self._object_get)

    def do_PUT(self) -> None:
        self._serve(None, self._object_put)

    def do_POST(self) -> None:
        self._serve(self._json_make_bucket, None)

    def do_DELETE(self) -> None:
        self._serve(self._json_delete, None)

    def do_OPTIONS(self) -> None:
        self._answer(200, b"", {})

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: an address is a key."""

    def _serve(self, as_json: Callable[..., None] | None, as_object: Callable[..., None] | None) -> None:
        parts = urlsplit(self.path)
        given = {name.lower(): value for name, value in self.headers.items()}
        found = _JSON.fullmatch(parts.path)
        try:
            # Read before anything is refused, or the client would see a broken pipe instead of the refusal.
            body = self._body(given)
            if found and as_json:
                self.gate.check_token(given.get("authorization", ""))
                bucket, name = (unquote(part or "") for part in found.groups())
                as_json(bucket, name, dict(parse_qsl(parts.query)), given, body)
            elif not found and as_object:
                query = self.gate.check_url(self.command, self.path, given)
                bucket, _, name = unquote(parts.path).lstrip("/").partition("/")
                as_object(bucket, name, query, given, body)
            else:
                self._refuse(_NOT_ALLOWED, in_json=bool(found))
        except Refused as refusal:
            self._refuse(refusal, in_json=bool(found))

    def _body(self, given: Mapping[str, str]) -> bytes:
        length = given.get("content-length", "0")
        if "transfer-encoding" in given or not length.isdigit():
            self.close_connection = True
            raise Refused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if int(length) > _BODY_MAX:
            self.close_connection = True
            raise Refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
        return self.rfile.read(int(length))

    def _object_put(self, bucket: str, name: str, _query: object, given: Mapping[str, str], body: bytes) -> None:
        _check_length(given.get("x-goog-content-length-range"), len(body))
        expected = _number(given.get("x-goog-if-generation-match"))
        content_type = given.get("content-type", "application/octet-stream")
        stored = self.shelf.put(bucket, name, content_type=content_type, data=body, expected=expected)
        self.tell(stored)
        self._answer(200, b"", {"x-goog-generation": str(stored.generation)})

    def _object_get(
        self, bucket: str, name: str, query: Mapping[str, str], given: Mapping[str, str], _body: object
    ) -> None:
        stored = self.shelf.get(bucket, name, generation=_number(query.get("generation")))
        headers = {"Content-Type": query.get("response-content-type", stored.content_type)}
        if "response-content-disposition" in query:
            headers["Content-Disposition"] = query["response-content-disposition"]
        self._send_bytes(stored, given, headers)

    def _json_get(
        self, bucket: str, name: str, query: Mapping[str, str], given: Mapping[str, str], _body: object
    ) -> None:
        if not self.shelf.has_bucket(bucket):
            raise missing("NoSuchBucket")
        if not name:
            self._answer_json({"kind": "storage#bucket", "id": bucket, "name": bucket})
            return
        stored = self.shelf.get(bucket, name, generation=_number(query.get("generation")))
        if _number(query.get("ifGenerationMatch")) not in (None, stored.generation):
            raise precondition()
        if query.get("alt") == "media":
            self._send_bytes(stored, given, {"Content-Type": stored.content_type})
        else:
            self._answer_json(stored.metadata())

    def _json_make_bucket(self, _bucket: str, _name: str, _query: object, _given: object, body: bytes) -> None:
        name = json.loads(body)["name"]
        if not self.shelf.make_bucket(name):
            raise Refused(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded.")
        self._answer_json({"kind": "storage#bucket", "id": name, "name": name})

    def _json_delete(self, bucket: str, name: str, query: Mapping[str, str], _given: object, _body: object) -> None:
        self.shelf.delete(bucket, name, expected=_number(query.get("ifGenerationMatch")))
        self._answer(204, b"", {})

    def _send_bytes(self, stored: Stored, given: Mapping[str, str], headers: dict[str, str]) -> None:
        whole = stored.data
        asked = _RANGE.fullmatch(given.get("range", ""))
        headers |= {"x-goog-generation": str(stored.generation)}
        if not asked:
            self._answer(200, whole, headers)
            return
        first, last = int(asked[1]), min(int(asked[2]), len(whole) - 1)
        if first > last:
            raise Refused(416, "InvalidRange", "The requested range cannot be satisfied.")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(whole)}"
        self._answer(206, whole[first : last + 1], headers)

    def _refuse(self, refusal: Refused, *, in_json: bool) -> None:
        if in_json:
            self._answer_json({"error": {"code": refusal.status, "message": refusal.message}}, status=refusal.status)
            return
        xml = f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message></Error>"
        self._answer(refusal.status, xml.encode(), {"Content-Type": "application/xml; charset=UTF-8"})

    def _answer_json(self, message: object, *, status: int = 200) -> None:
        self._answer(status, json.dumps(message).encode(), {"Content-Type": "application/json; charset=UTF-8"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, **_CORS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """Reports no error when a client hangs up in the middle of an answer."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report all other errors, as servers do."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def build(*, port: int, gate: Gate, shelf: Shelf, tell: Callable[[Stored], None]) -> http.server.ThreadingHTTPServer:
    """Return the server, listening."""
    handler = type("Handler", (Handler,), {"gate": gate, "shelf": shelf, "tell": staticmethod(tell)})
    server = Server((HOST, port), handler)
    server.daemon_threads = True
    return server


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,18}", text):
        raise Refused(400, "InvalidArgument", "A generation is a number.")
    return int(text)


def _check_length(limits: str | None, length: int) -> None:
    if limits is None:
        return
    found = _LENGTHS.fullmatch(limits)
    if not found:
        raise Refused(400, "InvalidArgument", "x-goog-content-length-range must be two numbers.")
    if length < int(found[1]):
        raise Refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
    if length > int(found[2]):
        raise Refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
