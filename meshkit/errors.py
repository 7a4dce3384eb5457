"""One exception type is used in all layers; its reason, gRPC code and advice come from the proto error catalogue.

A service lists its own subclasses in its `errors.py`, one per value of its `ErrorReason` enum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Self

from marketmesh.options.v1 import error_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.message import Message

COMMON = error_pb2.DESCRIPTOR.enum_types_by_name["CommonReason"]


@dataclass(frozen=True)
class Violation:
    """What is wrong with one field of a request; `field` is its path (`items[0].quantity`)."""

    field: str
    description: str
    reason: str = "INVALID"


class MeshError(Exception):
    """A refusal the caller can understand and act on. Subclass with `enum=` and `reason=`."""

    reason: ClassVar[str]
    code: ClassVar[str]
    domain: ClassVar[str]
    fix: ClassVar[str]
    retryable: ClassVar[bool]

    def __init_subclass__(cls, *, enum: EnumDescriptor | None = None, reason: str = "", **kwargs: object) -> None:
        """Read the catalogue entry `reason` of `enum`. Raises KeyError for an undeclared reason."""
        super().__init_subclass__(**kwargs)
        if enum is None:
            return
        spec = enum.values_by_name[reason].GetOptions().Extensions[error_pb2.error]
        cls.reason, cls.code, cls.fix, cls.retryable = reason, spec.code, spec.fix, spec.retryable
        package = enum.file.package.split(".")
        cls.domain = "" if package[1] == "options" else f"{package[1]}.{package[0]}"

    def __init__(
        self,
        message: str = "",
        *,
        violations: tuple[Violation, ...] = (),
        details: tuple[Message, ...] = (),
        retry_after_s: int | None = None,
        **metadata: str,
    ) -> None:
        """`metadata` are the keys that the catalogue declares; `message` is for developers, in English.

        `details` are messages that say in typed fields what `violations` say in words.
        """
        super().__init__(message or self.fix)
        self.message = message or self.fix
        self.violations = violations
        self.details = details
        self.metadata = metadata
        self.retry_after_s = retry_after_s if retry_after_s is not None else (1 if self.retryable else None)
        self.keeps_writes = False

    def keeping_writes(self) -> Self:
        """Refuse, but commit what the transaction wrote: the refusal itself left a state (a revoked family, a hold)."""
        self.keeps_writes = True
        return self


class ValidationError(MeshError, enum=COMMON, reason="VALIDATION_ERROR"):
    """The request's shape is wrong; `violations` name the fields."""

    @classmethod
    def of(cls, field: str, description: str, *, reason: str = "INVALID") -> ValidationError:
        """Return the error for one field."""
        return cls(f"{field}: {description}", violations=(Violation(field, description, reason),))


class UnauthorizedCause(StrEnum):
    """What is wrong with a token: the `cause` of Unauthenticated."""

    MISSING = "token_missing"
    INVALID = "token_invalid"
    AUDIENCE = "token_audience"
    EXPIRED = "token_expired"
    REVOKED = "token_revoked"


class Unauthenticated(MeshError, enum=COMMON, reason="UNAUTHORIZED"):
    """Nobody, or somebody whose token does not count."""


class Forbidden(MeshError, enum=COMMON, reason="FORBIDDEN"):
    """Signed in, but not with the role or store this needs."""


class ServiceNotAllowed(MeshError, enum=COMMON, reason="SERVICE_NOT_ALLOWED"):
    """A service of the mesh, but not one that this method is for."""


class NotFound(MeshError, enum=COMMON, reason="NOT_FOUND"):
    """Missing, or another tenant's: the answer is the same to the byte, so it never carries an id."""

    def __init__(self) -> None:
        super().__init__("No such object.")


class Conflict(MeshError, enum=COMMON, reason="CONFLICT"):
    """A unique value is taken."""


class IdempotencyKeyReused(MeshError, enum=COMMON, reason="IDEMPOTENCY_KEY_REUSED"):
    """The key was used with another request."""


class IdempotencyKeyMissing(MeshError, enum=COMMON, reason="IDEMPOTENCY_KEY_MISSING"):
    """The method needs a key."""


class IdempotencyInProgress(MeshError, enum=COMMON, reason="IDEMPOTENCY_IN_PROGRESS"):
    """The first call with this key has not finished."""


class StateConflict(MeshError, enum=COMMON, reason="STATE_CONFLICT"):
    """The object's state does not allow the action."""


class RateLimitExceeded(MeshError, enum=COMMON, reason="RATE_LIMIT_EXCEEDED"):
    """Too many calls."""


class InternalError(MeshError, enum=COMMON, reason="INTERNAL_ERROR"):
    """A defect of ours; the cause stays in the log."""

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side.")


class DependencyUnavailable(MeshError, enum=COMMON, reason="DEPENDENCY_ERROR"):
    """A part this call needs is down, or did not answer; what the call has done by then is unknown to its caller."""
