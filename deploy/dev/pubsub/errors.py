"""What a caller of the Pub/Sub API can do wrong, each with its gRPC code.

Raised anywhere below the servicers; `service_table` turns them into a status, so no other module
knows about gRPC contexts.
"""

import grpc


class PubsubError(Exception):
    """Base of every refusal; `str(error)` is the status message."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL


class ArgumentInvalid(PubsubError):
    """The request is wrong whatever the state of the server."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class ResourceMissing(PubsubError):
    """The named topic, subscription or snapshot does not exist."""

    code = grpc.StatusCode.NOT_FOUND


class ResourceExists(PubsubError):
    """The name is taken."""

    code = grpc.StatusCode.ALREADY_EXISTS


class StateForbids(PubsubError):
    """The request is right, but not in the present state of the resource."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class FeatureMissing(PubsubError):
    """Google offers this and this server does not; better said than ignored."""

    code = grpc.StatusCode.UNIMPLEMENTED


class AckIdsExpired(StateForbids):
    """Some ack ids of an exactly-once subscription are no longer valid.

    The client library reads the ids from the ErrorInfo that `service_table` attaches.
    """

    def __init__(self, *, ack_ids: list[str]) -> None:
        """Remember `ack_ids`, the ones that were refused; all others were applied."""
        super().__init__("Some acknowledgement ids in the request were invalid.")
        self.ack_ids = ack_ids
