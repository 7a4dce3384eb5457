"""Events: declared once, on the owner's topic, ordered by the aggregate, and read with a version."""

from __future__ import annotations

import re

import pytest
from google.protobuf.descriptor import Descriptor

from deploy.tools.contracts import event_messages, services_present
from deploy.tools.topology import declared
from meshkit.event_spec import spec_of
from meshkit.events.registry import Consumer
from tests.support.mesh_harness import MeshHarness


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

    @pytest.mark.parametrize("message", event_messages(), ids=name_of)
    def test_has_the_version_of_its_package(self, message: Descriptor) -> None:
        """A later version is a message of the same name in `<service>.events.v2`."""
        assert message.file.package == f"{message.file.package.rpartition('.')[0]}.v{spec_of(message).version}"

    def test_has_a_type_and_version_of_its_own(self) -> None:
        types = [(spec_of(message).type, spec_of(message).version) for message in event_messages()]

        assert len(types) == len(set(types))

    def test_keeps_topic_and_key_over_its_versions(self) -> None:
        """Otherwise events of one aggregate would overtake each other while both versions are on their way."""
        specs = [spec_of(message) for message in event_messages()]
        places = {(spec.type, spec.topic, spec.key, spec.once) for spec in specs}

        assert len(places) == len({spec.type for spec in specs})


class TestConsumers:
    @pytest.mark.parametrize("consumer", declared().consumers, ids=lambda consumer: consumer.subscription)
    def test_read_the_newest_version_and_the_one_before(self, consumer: Consumer) -> None:
        """Consumers come first: a version that is in the contracts is one that every consumer of its type reads."""
        declared_versions: dict[str, set[int]] = {}
        for message in event_messages():
            declared_versions.setdefault(spec_of(message).type, set()).add(spec_of(message).version)

        for event_type in set(consumer.types) & set(declared_versions):
            assert set(sorted(declared_versions[event_type])[-2:]) <= set(consumer.versions(event_type)), event_type


class TestTopology:
    @pytest.mark.parametrize("service", services_present())
    def test_has_the_consumers_that_the_service_runs(self, mesh: MeshHarness, service: str) -> None:
        """One that is declared and not wired would have a subscription that nobody pulls."""
        wired = {consumer.subscription for consumer in mesh.process(service).wiring.consumers}

        assert wired == {each.subscription for each in declared().consumers if each.name == service}

    def test_every_consumer_reads_a_topic_that_exists_and_has_a_subscription_of_its_own(self) -> None:
        topology = declared()

        names = [consumer.subscription for consumer in topology.consumers]
        assert len(names) == len(set(names))
        assert {consumer.topic for consumer in topology.consumers} <= set(topology.topics)
