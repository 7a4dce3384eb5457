"""Work that must be done before a method's transaction opens: slow, and of no use to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from meshkit.call import Call

Method = TypeVar("Method", bound="Callable[..., Any]")


def prepared(by: Callable[[Any, Any, Call], Any]) -> Callable[[Method], Method]:
    """Have `by(servicer, request, call)` run before the transaction; the method gets its result as third argument.

    A connection is held, and rows stay locked, as long as a transaction lasts: hashing passwords inside it would let a few
    sign-ins take every connection. A call that is answered from its idempotency row prepares nothing.
    """

    def mark(method: Method) -> Method:
        method.prepare = by  # type: ignore[attr-defined]
        return method

    return mark


def preparation_of(servicer: Callable[..., Any]) -> Callable[[Message, Call], Any] | None:
    """Return what prepares a bound servicer method, or None."""
    by = getattr(servicer, "prepare", None)
    if by is None:
        return None
    owner = servicer.__self__  # type: ignore[attr-defined]
    return lambda request, call: by(owner, request, call)
