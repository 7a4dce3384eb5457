"""The refusals of the object store, in Google's words."""

from __future__ import annotations


class Refused(Exception):
    """The request is not served."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def denied(message: str) -> Refused:
    """Return the refusal of somebody who may not."""
    return Refused(403, "AccessDenied", message)


def missing(what: str) -> Refused:
    """Return the refusal of what is not there."""
    return Refused(404, what, "The specified key or bucket does not exist.")


def precondition() -> Refused:
    """Return the refusal of a request for another generation."""
    return Refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
