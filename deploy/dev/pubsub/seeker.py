"""The methods of google.pubsub.v1.Subscriber on snapshots, and Seek.

Snapshots live seven days unless updated, as at Google.
"""

import secrets
import time

from google.protobuf.empty_pb2 import Empty

from deploy.dev.pubsub import errors, messages, names, paging, validation
from deploy.dev.pubsub.broker import Broker
from deploy.dev.pubsub.messages import WireMessage

SNAPSHOT_LIFE_NS = 7 * 86_400 * 1_000_000_000


class Seeker:
    """Snapshots and seeking."""

    def __init__(self, *, broker: Broker) -> None:
        """Serve the state of `broker`."""
        self._broker = broker

    async def create_snapshot(self, request: WireMessage, _context: object) -> WireMessage:
        """Remember what the subscription has unacknowledged now."""
        source = self._broker.subscription(name=request.subscription)
        project = names.project_of(name=request.subscription)
        name = request.name or f"projects/{project}/snapshots/snapshot-{secrets.token_hex(8)}"
        names.check_name(name=name, collection="snapshots")
        if source.config.detached or source.config.topic == names.DELETED_TOPIC:
            message = "The subscription has no topic any more."
            raise errors.StateForbids(message)
        config = messages.Snapshot(name=name, topic=source.config.topic, labels=request.labels)
        config.expire_time.FromNanoseconds(time.time_ns() + SNAPSHOT_LIFE_NS)
        return self._broker.create_snapshot(config=config, source=source).config

    async def get_snapshot(self, request: WireMessage, _context: object) -> WireMessage:
        """Return the snapshot's description."""
        return self._broker.snapshot(name=request.snapshot).config

    async def list_snapshots(self, request: WireMessage, _context: object) -> WireMessage:
        """Return a page of the project's snapshots."""
        names.check_project(project=request.project)
        page = paging.page_of(
            all_names=[name for name in self._broker.snapshots if name.startswith(f"{request.project}/")],
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return messages.ListSnapshotsResponse(
            snapshots=[self._broker.snapshots[name].config for name in page.names],
            next_page_token=page.next_page_token,
        )

    async def update_snapshot(self, request: WireMessage, _context: object) -> WireMessage:
        """Change the fields of the mask."""
        snapshot = self._broker.snapshot(name=request.snapshot.name)
        config = messages.Snapshot()
        config.CopyFrom(snapshot.config)
        validation.check_mask(
            mask=request.update_mask,
            resource=config,
            fields_mutable=validation.SNAPSHOT_FIELDS_MUTABLE,
        )
        request.update_mask.MergeMessage(
            request.snapshot, config, replace_message_field=True, replace_repeated_field=True
        )
        self._broker.update_snapshot(snapshot=snapshot, config=config)
        return config

    async def delete_snapshot(self, request: WireMessage, _context: object) -> Empty:
        """Delete the snapshot; messages that only it held are gone."""
        self._broker.delete_snapshot(name=request.snapshot)
        return Empty()

    async def seek(self, request: WireMessage, _context: object) -> WireMessage:
        """Set what is unacknowledged to the state at a time or of a snapshot."""
        subscription = self._broker.subscription(name=request.subscription)
        target = request.WhichOneof("target")
        if target is None:
            message = "A seek needs a time or a snapshot."
            raise errors.ArgumentInvalid(message)
        if subscription.config.detached:
            message = "The subscription is detached from its topic."
            raise errors.StateForbids(message)
        if target == "time":
            subscription.seek_to_time(time_ns=request.time.ToNanoseconds())
        else:
            snapshot = self._broker.snapshot(name=request.snapshot)
            if snapshot.config.topic != subscription.config.topic:
                message = "The snapshot is of another topic."
                raise errors.ArgumentInvalid(message)
            subscription.seek_to_messages(messages=snapshot.messages())
        self._broker.journal.commit()
        return messages.SeekResponse()
