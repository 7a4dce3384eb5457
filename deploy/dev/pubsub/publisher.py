"""The methods of google.pubsub.v1.Publisher.

Each checks its request, lets `broker` act and answers; errors are exceptions of `errors`, which
`service_table` translates.
"""

from google.protobuf.empty_pb2 import Empty

from deploy.dev.pubsub import errors, messages, names, paging, validation
from deploy.dev.pubsub.broker import Broker
from deploy.dev.pubsub.messages import WireMessage
from deploy.dev.pubsub.push import PushSender


class Publisher:
    """Topics and publishing."""

    def __init__(self, *, broker: Broker, push_sender: PushSender) -> None:
        """Serve the state of `broker`."""
        self._broker = broker
        self._push_sender = push_sender

    async def create_topic(self, request: WireMessage, _context: object) -> WireMessage:
        """Create the topic that `request` is."""
        names.check_name(name=request.name, collection="topics")
        validation.check_topic(topic=request)
        if request.name in self._broker.topics:
            message = f"Topic already exists (resource={request.name})."
            raise errors.ResourceExists(message)
        request.state = messages.Topic.ACTIVE
        self._broker.save_topic(topic=request)
        return request

    async def update_topic(self, request: WireMessage, _context: object) -> WireMessage:
        """Change the fields of the mask."""
        topic = messages.Topic()
        topic.CopyFrom(self._broker.topic(name=request.topic.name))
        validation.check_mask(
            mask=request.update_mask,
            resource=topic,
            fields_mutable=validation.TOPIC_FIELDS_MUTABLE,
        )
        request.update_mask.MergeMessage(request.topic, topic, replace_message_field=True, replace_repeated_field=True)
        self._broker.save_topic(topic=topic)
        return topic

    async def get_topic(self, request: WireMessage, _context: object) -> WireMessage:
        """Return the topic."""
        return self._broker.topic(name=request.topic)

    async def list_topics(self, request: WireMessage, _context: object) -> WireMessage:
        """Return a page of the project's topics."""
        names.check_project(project=request.project)
        page = paging.page_of(
            all_names=[name for name in self._broker.topics if _is_in(name, request.project)],
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return messages.ListTopicsResponse(
            topics=[self._broker.topics[name] for name in page.names],
            next_page_token=page.next_page_token,
        )

    async def list_topic_subscriptions(self, request: WireMessage, _context: object) -> WireMessage:
        """Return a page of the names of the topic's attached subscriptions."""
        self._broker.topic(name=request.topic)
        page = paging.page_of(
            all_names=[
                name
                for name, subscription in self._broker.subscriptions.items()
                if subscription.config.topic == request.topic and not subscription.config.detached
            ],
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return messages.ListTopicSubscriptionsResponse(subscriptions=page.names, next_page_token=page.next_page_token)

    async def list_topic_snapshots(self, request: WireMessage, _context: object) -> WireMessage:
        """Return a page of the names of the topic's snapshots."""
        self._broker.topic(name=request.topic)
        page = paging.page_of(
            all_names=[
                name for name, snapshot in self._broker.snapshots.items() if snapshot.config.topic == request.topic
            ],
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return messages.ListTopicSnapshotsResponse(snapshots=page.names, next_page_token=page.next_page_token)

    async def delete_topic(self, request: WireMessage, _context: object) -> Empty:
        """Delete the topic and leave its subscriptions without one."""
        self._broker.delete_topic(name=request.topic)
        return Empty()

    async def detach_subscription(self, request: WireMessage, _context: object) -> WireMessage:
        """Cut the subscription off its topic and drop its messages."""
        subscription = self._broker.subscription(name=request.subscription)
        config = messages.Subscription()
        config.CopyFrom(subscription.config)
        config.detached = True
        subscription.clear()
        self._broker.update_subscription(subscription=subscription, config=config)
        self._push_sender.follow(subscription)
        return messages.DetachSubscriptionResponse()

    async def publish(self, request: WireMessage, _context: object) -> WireMessage:
        """Store the messages durably and return their ids, in order."""
        self._broker.topic(name=request.topic)
        validation.check_publish(request=request)
        message_ids = self._broker.publish(topic_name=request.topic, batch=list(request.messages))
        return messages.PublishResponse(message_ids=message_ids)


def _is_in(name: str, project: str) -> bool:
    return name.startswith(f"{project}/")
