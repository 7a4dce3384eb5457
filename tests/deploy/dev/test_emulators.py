"""The object store tells Pub/Sub about uploads, and both keep what they have."""

from __future__ import annotations

import pathlib
import urllib.request
from datetime import timedelta

import pytest
from google.cloud import pubsub_v1, storage
from google.oauth2 import service_account

from deploy.dev import environment, keys
from deploy.dev.stack import Embedded, embedded

_TOPIC = f"projects/{environment.PROJECT}/topics/{environment.OBJECT_TOPIC}"
_SUBSCRIPTION = f"projects/{environment.PROJECT}/subscriptions/uploads"


class TestObjectNotices:
    def test_upload_is_announced_and_survives(self, state_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with embedded(parts={"pubsub", "gcs"}, state_dir=state_dir) as running:
            monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.addresses.of("pubsub"))
            with pubsub_v1.SubscriberClient() as subscriber:
                subscriber.create_subscription(name=_SUBSCRIPTION, topic=_TOPIC)
                self.put(running, "a/b.txt", b"hello")
                reply = subscriber.pull(subscription=_SUBSCRIPTION, max_messages=1, timeout=10)

        attributes = reply.received_messages[0].message.attributes
        assert (attributes["eventType"], attributes["bucketId"], attributes["objectId"]) == (
            "OBJECT_FINALIZE",
            environment.MEDIA_BUCKET,
            "a/b.txt",
        )
        with embedded(parts={"pubsub", "gcs"}, state_dir=state_dir) as running:
            assert self.bucket(running).blob("a/b.txt").download_as_bytes(timeout=10) == b"hello"

    def put(self, running: Embedded, name: str, data: bytes) -> None:
        blob = self.bucket(running).blob(name)
        url = blob.generate_signed_url(
            version="v4",
            method="PUT",
            expiration=timedelta(minutes=1),
            credentials=account(running),
            api_access_endpoint=running.addresses.url("gcs"),
        )
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT"), timeout=10) as response:
            assert response.status == 200

    def bucket(self, running: Embedded) -> storage.Bucket:
        endpoint = {"api_endpoint": running.addresses.url("gcs")}
        client = storage.Client(environment.PROJECT, credentials=account(running), client_options=endpoint)
        return client.bucket(environment.MEDIA_BUCKET)


def account(running: Embedded) -> service_account.Credentials:
    """Return the stack's own account, which needs no network to make its tokens."""
    return service_account.Credentials.from_service_account_file(
        keys.ensure_key_files(running.state)["MEDIA_SIGNING_KEY_FILE"],
        scopes=["https://www.googleapis.com/auth/devstorage.read_write"],
        always_use_jwt_access=True,
    )
