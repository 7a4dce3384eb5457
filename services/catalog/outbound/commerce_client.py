"""Asks commerce what became of checkouts."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import commerce_internal_service_pb2 as messages
from marketmesh.commerce.v1 import commerce_internal_service_pb2_grpc as stubs

if TYPE_CHECKING:
    from collections.abc import Collection

    from meshkit.call import Call
    from meshkit.grpc.channel import Channel


class CommerceClient:
    """Commerce, as catalog needs it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stub = stubs.CommerceInternalServiceStub(channel.grpc)  # type: ignore[no-untyped-call]

    def settle(self, call: Call, group_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Return the groups that became orders; the others never will. Raises DependencyUnavailable."""
        request = messages.SettleCheckoutsRequest(group_ids=list(map(str, group_ids)))
        answer = self._channel.call(self._stub.SettleCheckouts, request, call=call)
        return {uuid.UUID(group_id) for group_id in answer.bought_group_ids}
