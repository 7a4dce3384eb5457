"""The object store tells Pub/Sub about uploads, and both keep what they have."""

from __future__ import annotations

import pathlib
import urllib.request

import pytest
from google.auth import credentials
from google.cloud import pubsub_v1, storage

from deploy.dev import environment
from deploy.dev.stack import embedded

_TOPIC = f"projects/{environment.PROJECT}/topics/{environment.OBJECT_TOPIC}"
_SUBSCRIPTION = f"projects/{environment.PROJECT}/subscriptions/uploads"


class TestObjectNotices:
    def test_upload_is_announced_and_survives(self, state_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with embedded(parts={"pubsub", "gcs"}, state_dir=state_dir) as running:
            monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.addresses.of("pubsub"))
            with pubsub_v1.SubscriberClient() as subscriber:
                subscriber.create_subscription(name=_SUBSCRIPTION, topic=_TOPIC)
                self.bucket(running.addresses.url("gcs")).blob("a/b.txt").upload_from_string("hello")
                reply = subscriber.pull(subscription=_SUBSCRIPTION, max_messages=1, timeout=10)

        attributes = reply.received_messages[0].message.attributes
        assert (attributes["eventType"], attributes["bucketId"], attributes["objectId"]) == (
            "OBJECT_FINALIZE",
            environment.MEDIA_BUCKET,
            "a/b.txt",
        )
        with embedded(parts={"pubsub", "gcs"}, state_dir=state_dir) as running:
            address = f"{running.addresses.url('gcs')}/storage/v1/b/{environment.MEDIA_BUCKET}/o/a%2Fb.txt?alt=media"
            with urllib.request.urlopen(address, timeout=10) as response:
                assert response.read() == b"hello"

    def bucket(self, url: str) -> storage.Bucket:
        client = storage.Client(
            environment.PROJECT, credentials=credentials.AnonymousCredentials(), client_options={"api_endpoint": url}
        )
        return client.bucket(environment.MEDIA_BUCKET)
