"""Reads the policy of every method from its descriptor, at start-up. A method without one stops the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.message_factory import GetMessageClass

from marketmesh.options.v1 import policy_pb2
from meshkit.principal import Audience

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

Caller = policy_pb2.Caller
Effect = policy_pb2.Effect
Idempotency = policy_pb2.Idempotency
StoreKind = policy_pb2.StoreKind

_AUDIENCES = {
    policy_pb2.AUDIENCE_STORE: Audience.STORE,
    policy_pb2.AUDIENCE_ADMIN: Audience.ADMIN,
    policy_pb2.AUDIENCE_AGENT: Audience.AGENT,
    policy_pb2.AUDIENCE_SERVICE: Audience.SERVICE,
}
_DEFAULT_AUDIENCE = {
    policy_pb2.CALLER_PUBLIC: frozenset[Audience](),
    policy_pb2.CALLER_USER: frozenset({Audience.STORE}),
    policy_pb2.CALLER_STAFF: frozenset({Audience.ADMIN}),
    policy_pb2.CALLER_SERVICE: frozenset({Audience.SERVICE}),
}
_KEEP = {
    policy_pb2.IDEMPOTENCY_NATURAL: None,
    policy_pb2.IDEMPOTENCY_KEY_REQUIRED: timedelta(hours=24),
    policy_pb2.IDEMPOTENCY_KEY_CRITICAL: timedelta(days=7),
}


class PolicyError(Exception):
    """A contract forgot to say who may call what; raised at start-up."""


@dataclass(frozen=True)
class MethodPolicy:
    """The declared policy of one method, ready to be applied."""

    path: str
    request_class: type[Any]
    response_class: type[Any]
    caller: int
    audiences: frozenset[Audience]
    roles: frozenset[str]
    store: int
    resource: str
    effect: int
    # How long an answer is kept for repeats of its Idempotency-Key; None where calls need no key.
    keep_answer: timedelta | None
    rate_limit: str
    audit: str
    takes_ended_sessions: bool
    # What REST callers get when all went well; 0 means 200.
    success_status: int
    # The services that may call, where service tokens are accepted.
    callers: frozenset[str]


def policies_of(service: ServiceDescriptor) -> dict[str, MethodPolicy]:
    """Return the policy of every method of a gRPC service by its path. Raises PolicyError."""
    if not service.GetOptions().Extensions[policy_pb2.exposure]:
        raise PolicyError(f"{service.full_name} declares no exposure")
    return {f"/{service.full_name}/{method.name}": read_policy(method) for method in service.methods}


def read_policy(method: MethodDescriptor) -> MethodPolicy:
    """Return the declared policy. Raises PolicyError when it is missing, incomplete or contradicts itself."""
    options = method.GetOptions()
    if not options.HasExtension(policy_pb2.policy):
        raise PolicyError(f"{method.full_name} declares no policy")
    declared = options.Extensions[policy_pb2.policy]
    for problem in _problems(method, declared):
        raise PolicyError(f"{method.full_name}: {problem}")
    audiences = frozenset(_AUDIENCES[audience] for audience in declared.audiences)
    return MethodPolicy(
        path=f"/{method.containing_service.full_name}/{method.name}",
        request_class=GetMessageClass(method.input_type),
        response_class=GetMessageClass(method.output_type),
        caller=declared.caller,
        audiences=audiences or _DEFAULT_AUDIENCE[declared.caller],
        roles=frozenset(declared.roles),
        store=declared.store,
        resource=declared.resource,
        effect=declared.effect,
        keep_answer=_KEEP[declared.idempotency],
        rate_limit=declared.rate_limit,
        audit=declared.audit,
        takes_ended_sessions=declared.takes_ended_sessions,
        success_status=declared.success_status,
        callers=frozenset(declared.callers),
    )


def callers_without_key(policies: Iterable[MethodPolicy], *, known: Collection[str]) -> list[str]:
    """Return the callers that methods name and that have no public key: their calls are refused.

    That stops no start: a key that leaked is taken away at once, and the next one comes later. That every name is a
    service's, tests/contracts/test_callers.py says.
    """
    return sorted({caller for policy in policies for caller in policy.callers} - set(known))


def _problems(method: MethodDescriptor, declared: policy_pb2.MethodPolicy) -> list[str]:
    writes = declared.effect in {policy_pb2.EFFECT_WRITE, policy_pb2.EFFECT_FLOW}
    takes_services = declared.caller == policy_pb2.CALLER_SERVICE or policy_pb2.AUDIENCE_SERVICE in declared.audiences
    people = declared.caller in {policy_pb2.CALLER_USER, policy_pb2.CALLER_STAFF}
    rules = [
        (not declared.caller, "no caller class"),
        (not declared.effect, "no effect"),
        (not declared.idempotency, "no idempotency"),
        (declared.caller == policy_pb2.CALLER_PUBLIC and not declared.rate_limit, "public without a rate limit"),
        (declared.caller == policy_pb2.CALLER_STAFF and writes and not declared.audit, "a staff write must be audited"),
        (bool(declared.store) and not people, "a store kind needs a signed-in person"),
        (
            declared.effect == policy_pb2.EFFECT_FLOW and declared.idempotency == policy_pb2.IDEMPOTENCY_NATURAL,
            "a flow needs an idempotency key: its row is what a resume finds",
        ),
        (declared.success_status not in {0, 201, 202, 204}, "no status of success that the gateway knows"),
        (takes_services and not declared.callers, "takes service tokens without saying of which services (callers)"),
        (bool(declared.callers) and not takes_services, "callers of a method that takes no service token"),
        (bool(declared.resource) and not _has_field(method, declared.resource), "resource is not a request field"),
    ]
    return [text for broken, text in rules if broken]


def _has_field(method: MethodDescriptor, path: str) -> bool:
    message: Descriptor | None = method.input_type
    for part in path.split("."):
        field = message.fields_by_name.get(part) if message else None
        if field is None:
            return False
        message = field.message_type
    return True
