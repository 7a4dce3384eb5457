"""Calls to other services: service token, deadline, trace and key go along; refusals come back as our errors."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from meshkit.crash import answer_point
from meshkit.errors import DependencyUnavailable, MeshError, RateLimitExceeded, ServiceNotAllowed, Violation
from meshkit.grpc.guard import ORIGIN_HEADER
from meshkit.obs.logging import get_logger
from meshkit.service_keys import SERVICE_TOKEN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from meshkit.call import Call
    from meshkit.clock import Clock
    from meshkit.service_keys import ServiceKey

_SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
_AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
# A defect there, a lost race, or a service token that does not count, as when two machines' clocks are far apart.
_NOT_ABOUT_THE_CALL = {grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED, grpc.StatusCode.UNAUTHENTICATED}
# How long a call waits for another service, unless its caller has less time.
USUAL_SECONDS = 5.0
_RENEWED_EVERY = timedelta(seconds=SERVICE_TOKEN_SECONDS / 2)


class RemoteRefusal(MeshError):
    """Another service refused; carries its reason, so that a flow can decide or pass it on."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        info: error_details_pb2.ErrorInfo,
        violations: tuple[Violation, ...],
    ) -> None:
        self.code, self.reason, self.domain = code, info.reason, info.domain  # type: ignore[misc]
        metadata = dict(info.metadata)
        self.fix = metadata.pop("fix", "")  # type: ignore[misc]
        self.retryable = False  # type: ignore[misc]
        super().__init__(message, violations=violations, **metadata)


class Channel:
    """A channel from the owner of `key` to `target`, which lives at `address`. Connects when first used."""

    def __init__(self, *, key: ServiceKey, target: str, address: str, clock: Clock) -> None:
        self.target = target
        self._key = key
        self._clock = clock
        self._token, self._renew_at = "", clock.now()
        self.grpc = grpc.insecure_channel(
            address,
            options=[
                ("grpc.service_config", _SERVICE_CONFIG),
                ("grpc.enable_retries", 1),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )

    def call(
        self,
        method: Callable[..., Any],
        request: Message,
        *,
        call: Call,
        timeout_s: float = USUAL_SECONDS,
        key: str = "",
    ) -> Any:
        """Call a stub's method on behalf of `call`.

        `key` is the idempotency key of a write. Raises DependencyUnavailable when the service is away or too slow, and
        RemoteRefusal when it says no.
        """
        metadata = [
            ("authorization", f"Bearer {self._service_token()}"),
            (ORIGIN_HEADER, call.principal.origin or call.principal.subject),
            ("x-request-id", call.request_id),
            ("traceparent", call.traceparent),
        ]
        if key:
            metadata.append(("idempotency-key", key))
        remaining = call.deadline - time.monotonic()
        try:
            answer = method(request, metadata=metadata, timeout=max(0.05, min(timeout_s, remaining)))
        except grpc.RpcError as error:
            raise self._translate(error) from None
        answer_point(call, request)
        return answer

    def _service_token(self) -> str:
        """Return a token with at least half of its life left: the one called has verified it before."""
        now = self._clock.now()
        # A token whose renewal lies further ahead than any could was minted before the clock was put back.
        if not now < self._renew_at <= now + _RENEWED_EVERY:
            self._token = self._key.token(now)
            self._renew_at = now + _RENEWED_EVERY
        return self._token

    def _translate(self, error: grpc.RpcError) -> MeshError:
        code = error.code()
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        for detail in status.details if status else ():
            detail.Unpack(info) or detail.Unpack(bad)
        # A rate limit of the mesh is over soon, so the call is tried again later; a quota of the service's own is its answer.
        is_full = info.reason == RateLimitExceeded.reason
        # In the middle of a rollout: the service called still runs the release that does not name us as a caller.
        is_no_caller = info.reason == ServiceNotAllowed.reason
        if is_no_caller:
            get_logger().error("channel.not_allowed", service=self._key.service, target=self.target)
        if code in _AWAY or code in _NOT_ABOUT_THE_CALL or is_full or is_no_caller or not info.reason:
            return DependencyUnavailable(f"The {self.target} service does not answer.", dependency=self.target)
        violations = tuple(Violation(item.field, item.description, item.reason) for item in bad.field_violations)
        return RemoteRefusal(error.details() or "", code=code.name, info=info, violations=violations)
