"""Calls the gateway as gRPC and gRPC-Web clients do."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.gateway.envoy_process import EnvoyProcess, Reply
from tests.gateway.probe_contracts import ProbeContracts

_PACKAGE = "marketmesh.probe.v1."
_TRAILERS = 0x80


class GrpcCaller:
    """A native client of the probe."""

    def __init__(self, *, envoy: EnvoyProcess, contracts: ProbeContracts) -> None:
        self._contracts = contracts
        self._channel = grpc.insecure_channel(f"127.0.0.1:{envoy.port}", options=[("grpc.enable_http_proxy", 0)])

    def call(
        self, path: str, *, request: str = "EchoRequest", metadata: Mapping[str, str] | None = None, **values: object
    ):
        """Call `Service/Method`; raises grpc.RpcError."""
        reply = self._contracts.message(_PACKAGE + "EchoResponse")
        stub = self._channel.unary_unary(
            f"/{_PACKAGE}{path}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reply.FromString,
        )
        message = self._contracts.message(_PACKAGE + request)(**values)
        return stub(message, metadata=tuple((metadata or {}).items()), timeout=10)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """Return the one ErrorInfo of a refusal."""
    status = rpc_status.from_call(error)
    assert status is not None, f"no details: {error}"
    info = error_details_pb2.ErrorInfo()
    assert [each.Unpack(info) for each in status.details] == [True]
    return info


def call_grpc_web(envoy: EnvoyProcess, path: str, message: bytes, **headers: str) -> tuple[Reply, bytes, str]:
    """Call as a browser does; returns the reply, the message's bytes and the trailers' text."""
    framed = struct.pack(">BI", 0, len(message)) + message
    given = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **headers}
    reply = envoy.call("POST", f"/{_PACKAGE}{path}", headers=given, body=framed)
    found, trailers, rest = b"", "", reply.body
    while len(rest) >= 5 and reply.headers.get("content-type", "").startswith("application/grpc-web"):
        kind, length = struct.unpack(">BI", rest[:5])
        part, rest = rest[5 : 5 + length], rest[5 + length :]
        if kind & _TRAILERS:
            trailers = part.decode()
        else:
            found = part
    return reply, found, trailers
