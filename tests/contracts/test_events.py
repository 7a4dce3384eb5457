"""Events: declared once, on the owner's topic, ordered by the aggregate, and read with a version."""

from __future__ import annotations

import re

import pytest
from google.protobuf.descriptor import Descriptor

from deploy.tools.contracts import event_messages
from deploy.tools.topology import declared
from meshkit.event_spec import spec_of


def name_of(message: Descriptor) -> str:
    return message.name


class TestEveryEvent:
    @pytest.mark.parametrize("message", event_messages(), ids=name_of)
    def test_travels_on_a_topic_of_its_owner(self, message: Descriptor) -> None:
        owner = message.file.package.split(".")[1]

        assert re.fullmatch(rf"{owner}\.[a-z_]+\.v1", spec_of(message).topic)

    @pytest.mark.parametrize("message", event_messages(), ids=name_of)
    def test_is_ordered_by_one_of_its_own_fields(self, message: Descriptor) -> None:
        assert (
            message.fields_by_name[spec_of(message).key].type
            == message.fields_by_name[spec_of(message).key].TYPE_STRING
        )

    @pytest.mark.parametrize("message", event_messages(), ids=name_of)
    def test_is_named_in_the_past_tense_of_its_message(self, message: Descriptor) -> None:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", message.name).lower()

        assert spec_of(message).type == snake
        assert spec_of(message).version >= 1

    def test_has_a_type_of_its_own(self) -> None:
        types = [spec_of(message).type for message in event_messages()]

        assert len(types) == len(set(types))


class TestTopology:
    def test_every_consumer_reads_a_topic_that_exists_and_has_a_subscription_of_its_own(self) -> None:
        topology = declared()

        names = [consumer.subscription for consumer in topology.consumers]
        assert len(names) == len(set(names))
        assert {consumer.topic for consumer in topology.consumers} <= set(topology.topics)
