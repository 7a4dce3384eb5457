"""The steps that decide whether a call may run at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import protovalidate

from meshkit.errors import Forbidden, Unauthenticated, ValidationError, Violation
from meshkit.grpc.policy import Caller, StoreKind
from meshkit.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message
    from protovalidate import FieldPathPb

    from meshkit.auth import Authenticator
    from meshkit.call import Call
    from meshkit.grpc.policy import MethodPolicy
    from meshkit.ratelimit import RateLimiter
    from meshkit.revocation import Revocations

_BEARER = "bearer "
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
            raise Unauthenticated("An access token is needed.", cause="token_missing")
        if not header.lower().startswith(_BEARER):
            raise Unauthenticated("The Authorization header must be 'Bearer <token>'.", cause="token_invalid")
        principal = self.authenticator.principal(header[len(_BEARER) :].strip())
        if principal.audience not in policy.audiences:
            raise Unauthenticated("The token is for another audience.", cause="token_audience")
        self.revocations.check(principal)
        if principal.service:
            return replace(principal, origin=metadata.get(ORIGIN_HEADER, ""))
        return principal

    def rate_limit(self, policy: MethodPolicy, call: Call, request: Message) -> None:
        """Count the call in its bucket. Raises RateLimitExceeded."""
        if policy.rate_limit and self.limiter is not None:
            self.limiter.check(bucket=policy.rate_limit, call=call, request=request)

    def authorise(self, policy: MethodPolicy, principal: Principal) -> None:
        """Raise Forbidden unless the caller has the role and the kind of store the method needs."""
        if policy.store:
            if principal.store_id is None:
                raise Forbidden("An active store is needed.", needs="active store")
            if policy.store == StoreKind.STORE_KIND_VENDOR and principal.store_type != "vendor":
                raise Forbidden("Only vendors may do this.", needs="vendor store")
        if policy.roles and principal.role not in policy.roles:
            raise Forbidden("Your role may not do this.", needs=" or ".join(sorted(policy.roles)))

    def validate(self, request: Message) -> None:
        """Raise ValidationError naming every field that breaks its declared rules."""
        _require_storable(request)
        found = protovalidate.collect_violations(request)
        if not found:
            return
        violations = tuple(
            Violation(_path(item.proto.field), item.proto.message or "is not valid", item.proto.rule_id)
            for item in found
        )
        first = violations[0]
        raise ValidationError(f"{first.field}: {first.description}", violations=violations)


def _require_storable(request: Message) -> None:
    """Raise ValidationError for text with a NUL character: no database column can hold it."""
    if b"\x00" in request.SerializeToString():
        for path, value in _texts(request, ""):
            if "\x00" in value:
                raise ValidationError.of(path, "must not contain a NUL character")


def _texts(message: Message, prefix: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        items = enumerate(value) if field.is_repeated else [(None, value)]
        for index, item in items:
            path = f"{prefix}{field.name}" + ("" if index is None else f"[{index}]")
            if field.type == field.TYPE_STRING:
                yield path, item
            elif field.message_type and not field.message_type.GetOptions().map_entry:
                yield from _texts(item, f"{path}.")


def _path(field: FieldPathPb | None) -> str:
    """Return a field path as JSON readers write it: `items[0].quantity`."""
    parts = []
    for element in field.elements if field else ():
        subscript = element.subscript
        parts.append(element.field_name + (f"[{subscript.value}]" if subscript else ""))
    return ".".join(parts) or "body"
