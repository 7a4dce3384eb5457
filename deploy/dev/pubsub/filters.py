"""The filter language of subscriptions: text in, predicate over message attributes out.

Only attributes can be tested; AND and OR must not be mixed without parentheses, as at Google's.
Source: https://cloud.google.com/pubsub/docs/subscription-message-filter
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from deploy.dev.pubsub import errors

FILTER_BYTES_MAX = 256

Predicate = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>!=|[=():.,-])
    )""",
    re.VERBOSE,
)
_WORDS = frozenset({"AND", "OR", "NOT", "attributes", "hasPrefix"})


def compile_filter(*, source: str) -> Predicate:
    """Return the predicate that `source` describes; an empty source lets everything through.

    Raises: ArgumentInvalid for anything that is not a filter.
    """
    if not source.strip():
        return _everything
    if len(source.encode()) > FILTER_BYTES_MAX:
        _refuse(f"longer than {FILTER_BYTES_MAX} bytes")
    parser = _Parser(tokens=_split(source))
    predicate = parser.expression()
    parser.expect_end()
    return predicate


def _everything(_attributes: Mapping[str, str]) -> bool:
    return True


def _refuse(reason: str) -> NoReturn:
    message = f"Invalid filter: {reason}."
    raise errors.ArgumentInvalid(message)


def _split(source: str) -> list[str]:
    """Cut `source` into tokens; quoted texts keep their quotes, so no word can look like one."""
    tokens = []
    position = 0
    end = len(source.rstrip())
    while position < end:
        match = _TOKEN.match(source, position)
        if match is None:
            _refuse(f"unexpected {source[position:].strip()[:20]!r}")
        tokens.append(match[match.lastgroup or 0])
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; the 256 bytes of a filter bound the depth."""

    def __init__(self, *, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0

    def expression(self) -> Predicate:
        """Parse: term (("AND" term)* | ("OR" term)*)."""
        terms = [self._term()]
        joiner = self._peek()
        while self._peek() in ("AND", "OR"):
            if self._take() != joiner:
                _refuse("AND and OR need parentheses when mixed")
            terms.append(self._term())
        if len(terms) == 1:
            return terms[0]
        combine = all if joiner == "AND" else any
        return lambda attributes: combine(term(attributes) for term in terms)

    def expect_end(self) -> None:
        """Refuse anything after a complete expression."""
        if self._peek() is not None:
            _refuse(f"unexpected {self._peek()!r} after the end")

    def _term(self) -> Predicate:
        token = self._take()
        if token in ("NOT", "-"):
            negated = self._term()
            return lambda attributes: not negated(attributes)
        if token == "(":  # noqa: S105 - a parenthesis, not a password
            inner = self.expression()
            self._expect(")")
            return inner
        if token == "hasPrefix":  # noqa: S105 - a function name, not a password
            return self._has_prefix()
        if token == "attributes":  # noqa: S105 - a field name, not a password
            return self._comparison()
        _refuse(f"unexpected {token!r}")

    def _has_prefix(self) -> Predicate:
        for token in ("(", "attributes", "."):
            self._expect(token)
        key = self._key()
        self._expect(",")
        prefix = self._text(self._take())
        self._expect(")")
        return lambda attributes: key in attributes and attributes[key].startswith(prefix)

    def _comparison(self) -> Predicate:
        accessor = self._take()
        if accessor not in (":", "."):
            _refuse(f"expected ':' or '.' after attributes, found {accessor!r}")
        key = self._key()
        if accessor == ":":
            return lambda attributes: key in attributes
        operator = self._take()
        if operator not in ("=", "!="):
            _refuse(f"expected '=' or '!=', found {operator!r}")
        value = self._text(self._take())
        if operator == "=":
            return lambda attributes: attributes.get(key) == value
        return lambda attributes: attributes.get(key) != value

    def _key(self) -> str:
        token = self._take()
        if token.startswith('"'):
            return self._text(token)
        if token in _WORDS or not token.isidentifier():
            _refuse(f"expected an attribute key, found {token!r}")
        return token

    def _text(self, token: str) -> str:
        """Return what the quoted `token` means; the escapes are those of JSON."""
        if not token.startswith('"'):
            _refuse(f"expected a quoted text, found {token!r}")
        try:
            text = json.loads(token)
        except ValueError:
            _refuse(f"{token} is not a valid text")
        return str(text)

    def _peek(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _take(self) -> str:
        token = self._peek()
        if token is None:
            _refuse("it ends too early")
        self._position += 1
        return token

    def _expect(self, wanted: str) -> None:
        token = self._take()
        if token != wanted:
            _refuse(f"expected {wanted!r}, found {token!r}")
