"""Fetches identity's public keys over gRPC, for the services' own verification of access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.api import httpbody_pb2
from google.protobuf import empty_pb2

from meshkit.auth import parse_jwks
from meshkit.call import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.grpc.channel import Channel

# By path, so that the chassis knows no service's generated code. The request has no fields.
_PATH = "/marketmesh.identity.v1.AuthService/GetJwks"


def fetch_keys(channel: Channel) -> Mapping[str, Any]:
    """Return the published keys by id. Raises DependencyUnavailable when identity is away."""
    method = channel.grpc.unary_unary(
        _PATH,
        request_serializer=empty_pb2.Empty.SerializeToString,
        response_deserializer=httpbody_pb2.HttpBody.FromString,
    )
    answer: httpbody_pb2.HttpBody = channel.call(method, empty_pb2.Empty(), call=Call(), timeout_s=3.0)
    return parse_jwks(answer.data)
