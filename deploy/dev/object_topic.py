"""Create the topic of object notices and exit: `python -m deploy.dev.object_topic`.

Only for stacks without the mesh's own topology (tests of single parts). Idempotent.
"""

from __future__ import annotations

import os
import sys

import grpc

from deploy.dev.environment import OBJECT_TOPIC

_TIMEOUT_S = 10.0


def main() -> int:
    """Call CreateTopic; an existing topic is fine."""
    name = f"projects/{os.environ['MESH_PUBSUB_PROJECT']}/topics/{OBJECT_TOPIC}".encode()
    assert len(name) < 128, "its length must fit one byte"
    # google.pubsub.v1.Topic with its field 1 (name), by hand: importing Google's client takes seconds.
    topic = b"\x0a" + bytes([len(name)]) + name
    with grpc.insecure_channel(os.environ["PUBSUB_EMULATOR_HOST"]) as channel:
        create: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/google.pubsub.v1.Publisher/CreateTopic"
        )
        try:
            create(topic, timeout=_TIMEOUT_S, wait_for_ready=True)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                print(f"object-topic: {error.code().name}: {error.details()}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
