"""Notifies Pub/Sub of objects that are complete, as a bucket's notification configuration does."""

from __future__ import annotations

import json
import queue
import sys
import threading

import grpc

from deploy.dev.objects.shelf import Stored
from deploy.dev.pubsub.messages import PublishRequest, PubsubMessage

_PUBLISH = "/google.pubsub.v1.Publisher/Publish"
_TIMEOUT_S = 5.0
_AGAIN_S = 0.5


class Notices:
    """Publishes in a thread of its own, in order, until each is taken; what waits when the process ends is lost."""

    def __init__(self, *, address: str, topic: str) -> None:
        self._topic = topic
        self._waiting: queue.Queue[Stored] = queue.Queue()
        channel = grpc.insecure_channel(address)
        self._publish: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_PUBLISH)
        threading.Thread(target=self._run, name="notices", daemon=True).start()

    def tell(self, stored: Stored) -> None:
        """Announce an object soon."""
        self._waiting.put(stored)

    def _run(self) -> None:
        while True:
            request = self._request(self._waiting.get())
            while not self._took(request):
                threading.Event().wait(_AGAIN_S)

    def _took(self, request: bytes) -> bool:
        try:
            self._publish(request, timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            print(f"objects: WARNING notice not taken yet: {error.code().name}", file=sys.stderr, flush=True)
            return False
        return True

    def _request(self, stored: Stored) -> bytes:
        attributes = {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": stored.bucket,
            "objectId": stored.name,
            "objectGeneration": str(stored.generation),
            "payloadFormat": "JSON_API_V1",
        }
        message = PubsubMessage(data=json.dumps(stored.metadata()).encode(), attributes=attributes)
        whole: bytes = PublishRequest(topic=self._topic, messages=[message]).SerializeToString()
        return whole
