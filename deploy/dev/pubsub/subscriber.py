"""The unary methods of google.pubsub.v1.Subscriber on subscriptions; snapshots are in `seeker`.

Each checks its request, lets `broker` or the subscription act and answers; errors are exceptions
of `errors`, which `service_table` translates.
"""

import time

import grpc.aio
from google.protobuf.empty_pb2 import Empty

from deploy.dev.pubsub import errors, filters, messages, names, paging, validation
from deploy.dev.pubsub.broker import Broker
from deploy.dev.pubsub.messages import WireMessage
from deploy.dev.pubsub.push import PushSender
from deploy.dev.pubsub.subscription import Subscription

ACK_DEADLINE_S_DEFAULT = 10
RETENTION_S_DEFAULT = 7 * 86_400
PULL_MESSAGES_MAX = 1_000
PULL_WAIT_S_MAX = 20.0
# A pull is answered empty that much before the caller's deadline, which would be an error.
PULL_MARGIN_S = 0.1


class Subscriber:
    """Subscriptions, pulling and acknowledging."""

    def __init__(self, *, broker: Broker, push_sender: PushSender) -> None:
        """Serve the state of `broker`."""
        self._broker = broker
        self._push_sender = push_sender

    async def create_subscription(self, request: WireMessage, _context: object) -> WireMessage:
        """Create the subscription that `request` is, with Google's defaults filled in."""
        names.check_name(name=request.name, collection="subscriptions")
        request.detached = False
        if not request.ack_deadline_seconds:
            request.ack_deadline_seconds = ACK_DEADLINE_S_DEFAULT
        if not request.HasField("message_retention_duration"):
            request.message_retention_duration.FromSeconds(RETENTION_S_DEFAULT)
        _check_config(request)
        request.state = messages.Subscription.ACTIVE
        self._push_sender.follow(self._broker.create_subscription(config=request))
        return request

    async def get_subscription(self, request: WireMessage, _context: object) -> WireMessage:
        """Return the configuration."""
        return self._broker.subscription(name=request.subscription).config

    async def update_subscription(self, request: WireMessage, _context: object) -> WireMessage:
        """Change the fields of the mask."""
        subscription = self._broker.subscription(name=request.subscription.name)
        config = messages.Subscription()
        config.CopyFrom(subscription.config)
        validation.check_mask(
            mask=request.update_mask,
            resource=config,
            fields_mutable=validation.SUBSCRIPTION_FIELDS_MUTABLE,
        )
        request.update_mask.MergeMessage(
            request.subscription, config, replace_message_field=True, replace_repeated_field=True
        )
        _check_config(config)
        self._broker.update_subscription(subscription=subscription, config=config)
        self._push_sender.follow(subscription)
        return config

    async def list_subscriptions(self, request: WireMessage, _context: object) -> WireMessage:
        """Return a page of the project's subscriptions."""
        names.check_project(project=request.project)
        page = paging.page_of(
            all_names=[name for name in self._broker.subscriptions if name.startswith(f"{request.project}/")],
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return messages.ListSubscriptionsResponse(
            subscriptions=[self._broker.subscriptions[name].config for name in page.names],
            next_page_token=page.next_page_token,
        )

    async def delete_subscription(self, request: WireMessage, _context: object) -> Empty:
        """Delete the subscription with its messages."""
        self._push_sender.follow(self._broker.delete_subscription(name=request.subscription))
        return Empty()

    async def modify_push_config(self, request: WireMessage, _context: object) -> Empty:
        """Change where messages are pushed to; no endpoint turns to pulling."""
        subscription = self._broker.subscription(name=request.subscription)
        validation.check_push(push_config=request.push_config)
        config = messages.Subscription()
        config.CopyFrom(subscription.config)
        config.push_config.CopyFrom(request.push_config)
        self._broker.update_subscription(subscription=subscription, config=config)
        self._push_sender.follow(subscription)
        return Empty()

    async def acknowledge(self, request: WireMessage, _context: object) -> Empty:
        """Be done with the messages, durably; ids that are no longer valid are passed over."""
        subscription = self._broker.subscription(name=request.subscription)
        validation.check_ack_ids(ack_ids=request.ack_ids)
        expired = subscription.acknowledge(ack_ids=request.ack_ids)
        self._broker.journal.commit()
        _refuse_expired(subscription, expired)
        return Empty()

    async def modify_ack_deadline(self, request: WireMessage, _context: object) -> Empty:
        """Move the deadline of leased messages; 0 gives them back."""
        subscription = self._broker.subscription(name=request.subscription)
        validation.check_ack_ids(ack_ids=request.ack_ids)
        validation.check_new_deadline(seconds=request.ack_deadline_seconds)
        expired = subscription.modify_deadline(
            ack_ids=request.ack_ids,
            seconds=request.ack_deadline_seconds,
            now=time.monotonic(),
        )
        _refuse_expired(subscription, expired)
        return Empty()

    async def pull(
        self, request: WireMessage, context: "grpc.aio.ServicerContext[WireMessage, WireMessage]"
    ) -> WireMessage:
        """Hand out waiting messages; wait for the first unless told not to."""
        validation.check_pull(count_max=request.max_messages)
        subscription = self._broker.subscription(name=request.subscription)
        remaining_s = context.time_remaining()
        wait_s = PULL_WAIT_S_MAX if remaining_s is None else remaining_s - PULL_MARGIN_S
        ends_at = time.monotonic() + min(wait_s, PULL_WAIT_S_MAX)
        while True:
            check_pullable(subscription)
            now = time.monotonic()
            leased = subscription.lease(
                count_max=min(request.max_messages, PULL_MESSAGES_MAX),
                deadline_s=subscription.config.ack_deadline_seconds,
                now=now,
            )
            if leased or request.return_immediately or now >= ends_at:
                received = [subscription.received(delivery) for delivery in leased]
                return messages.PullResponse(received_messages=received)
            await subscription.wait(timeout_s=ends_at - now)


def check_pullable(subscription: Subscription) -> None:
    """Raise unless messages can be pulled from `subscription` now."""
    name = subscription.config.name
    if subscription.deleted:
        message = f"Subscription not found (resource={name})."
        raise errors.ResourceMissing(message)
    if subscription.config.detached:
        message = f"The subscription is detached from its topic (resource={name})."
        raise errors.StateForbids(message)
    if subscription.config.push_config.push_endpoint:
        message = f"The subscription pushes, so it cannot be pulled from (resource={name})."
        raise errors.StateForbids(message)


def _check_config(config: WireMessage) -> None:
    validation.check_subscription(subscription=config)
    filters.compile_filter(source=config.filter)


def _refuse_expired(subscription: Subscription, expired: list[str]) -> None:
    if expired and subscription.config.enable_exactly_once_delivery:
        raise errors.AckIdsExpired(ack_ids=expired)
