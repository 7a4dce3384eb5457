"""The steps that decide whether a call may run at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import protovalidate
from google.protobuf.timestamp_pb2 import Timestamp

from buf.validate import validate_pb2
from meshkit.errors import Forbidden, ServiceNotAllowed, Unauthenticated, UnauthorizedCause, ValidationError, Violation
from meshkit.grpc.policy import Caller, StoreKind
from meshkit.grpc.tidy import tidy_texts
from meshkit.principal import ANONYMOUS, Principal
from meshkit.text import complaint_about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message
    from protovalidate import FieldPathPb

    from meshkit.auth import Authenticator
    from meshkit.call import Call
    from meshkit.grpc.policy import MethodPolicy
    from meshkit.ratelimit import RateLimiter
    from meshkit.revocation import Revocations

_BEARER = "bearer "
_FIRST_SECOND, _LAST_SECOND, _NANOS = -62_135_596_800, 253_402_300_799, 1_000_000_000
# Texts that may be longer than this are prose (reasons, notes, descriptions); the others are names, titles and codes.
_ONE_LINE_MAX = 255
# Whom a calling service acts for. Believed of services only; the gateway removes it from what comes from outside.
ORIGIN_HEADER = "x-mesh-origin"


@dataclass(frozen=True)
class Guard:
    """Authenticate, rate limit, authorise, validate: each raises the refusal."""

    authenticator: Authenticator
    revocations: Revocations
    limiter: RateLimiter | None

    def authenticate(self, policy: MethodPolicy, metadata: dict[str, str]) -> Principal:
        """Return the caller. Raises Unauthenticated for a missing, invalid, revoked or foreign-audience token."""
        if policy.caller == Caller.CALLER_PUBLIC:
            return ANONYMOUS
        header = metadata.get("authorization", "")
        if not header:
            raise Unauthenticated("An access token is needed.", cause=UnauthorizedCause.MISSING)
        if not header.lower().startswith(_BEARER):
            raise Unauthenticated("The Authorization header must be 'Bearer <token>'.", cause=UnauthorizedCause.INVALID)
        principal = self.authenticator.principal(header[len(_BEARER) :].strip())
        if principal.audience not in policy.audiences:
            raise Unauthenticated("The token is for another audience.", cause=UnauthorizedCause.AUDIENCE)
        if not policy.takes_ended_sessions:
            self.revocations.check(principal)
        if principal.service:
            return replace(principal, origin=metadata.get(ORIGIN_HEADER, ""))
        return principal

    def rate_limit(self, policy: MethodPolicy, call: Call, request: Message) -> None:
        """Count the call in its bucket. Raises RateLimitExceeded."""
        if policy.rate_limit and self.limiter is not None:
            self.limiter.check(bucket=policy.rate_limit, call=call, request=request)

    def authorise(self, policy: MethodPolicy, principal: Principal) -> None:
        """Raise Forbidden unless the caller has the role and the kind of store the method needs.

        Raises ServiceNotAllowed for a service that the method does not name.
        """
        if principal.service and principal.service not in policy.callers:
            raise ServiceNotAllowed(f"{principal.service} may not call this.", service=principal.service)
        if policy.store:
            if principal.store_id is None:
                raise Forbidden("An active store is needed.", needs="active store")
            if policy.store == StoreKind.STORE_KIND_VENDOR and principal.store_type != "vendor":
                raise Forbidden("Only vendors may do this.", needs="vendor store")
        if policy.roles and principal.role not in policy.roles:
            raise Forbidden("Your role may not do this.", needs=" or ".join(sorted(policy.roles)))

    def validate(self, request: Message, *, caller: int = Caller.CALLER_USER) -> None:
        """Tidy the request's texts; raise ValidationError naming every field that breaks its declared rules."""
        validate(request, caller=caller)


def validate(request: Message, *, caller: int = Caller.CALLER_USER) -> None:
    """Tidy the request's texts; raise ValidationError naming every field that breaks its declared rules."""
    if caller != Caller.CALLER_SERVICE:
        tidy_texts(request)
    # Messages between services hold texts that were checked when they came in from outside, and can be long: a thousand
    # ledger entries.
    complaints = _complaints_about if caller != Caller.CALLER_SERVICE else _complaints_of_nul
    violations = list(complaints(request))
    named = {violation.field for violation in violations}
    for item in protovalidate.collect_violations(request):
        path = _path(item.proto.field)
        if path not in named:
            violations.append(Violation(path, item.proto.message or "is not valid", item.proto.rule_id))
    if not violations:
        return
    first = violations[0]
    raise ValidationError(f"{first.field}: {first.description}", violations=tuple(violations))


def _complaints_of_nul(request: Message) -> Iterator[Violation]:
    """Yield the texts with a NUL character: no database column can hold it."""
    if b"\x00" in request.SerializeToString():
        for _, path, value in _texts(request, ""):
            if isinstance(value, str) and "\x00" in value:
                yield Violation(path, complaint_about(value, one_line=False))


def _complaints_about(request: Message) -> Iterator[Violation]:
    """Yield the texts with control characters, the names of more than one line, and the instants out of range."""
    for field, path, value in _texts(request, ""):
        is_instant = isinstance(value, Timestamp)
        complaint = _no_instant(value) if is_instant else complaint_about(value, one_line=_is_one_line(field))
        if complaint:
            yield Violation(path, complaint)


@cache
def _is_one_line(field: FieldDescriptor) -> bool:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    text = rules.repeated.items.string if field.is_repeated else rules.string
    return bool(text.HasField("max_len") and text.max_len <= _ONE_LINE_MAX)


def _no_instant(value: Timestamp) -> str:
    # Years 1 to 9999, as calendars and databases have them. JSON timestamps cannot leave that range, gRPC's can.
    in_calendar = _FIRST_SECOND <= value.seconds <= _LAST_SECOND and 0 <= value.nanos < _NANOS
    return "" if in_calendar else "must be an instant of the years 1 to 9999"


def _texts(message: Message, prefix: str) -> Iterator[tuple[FieldDescriptor, str, Any]]:
    """Yield every text with its path, and every instant."""
    for field, value in message.ListFields():
        items = enumerate(value) if field.is_repeated else [(None, value)]
        for index, item in items:
            path = f"{prefix}{field.name}" + ("" if index is None else f"[{index}]")
            if field.type == field.TYPE_STRING or isinstance(item, Timestamp):
                yield field, path, item
            elif field.message_type and not field.message_type.GetOptions().map_entry:
                yield from _texts(item, f"{path}.")


def _path(field: FieldPathPb | None) -> str:
    """Return a field path as JSON readers write it: `items[0].quantity`."""
    parts = []
    for element in field.elements if field else ():
        subscript = element.subscript
        parts.append(element.field_name + (f"[{subscript.value}]" if subscript else ""))
    return ".".join(parts) or "body"
