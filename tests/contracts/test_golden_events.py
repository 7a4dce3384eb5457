"""Golden payloads: what was once published can be read for ever.

A new event type or version needs a fixture: `python -m tests.contracts.golden` writes the missing ones; existing ones are
never written again.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict

from deploy.tools.contracts import event_messages
from meshkit.event_spec import spec_of
from tests.contracts.golden import filled, path_of


class TestGoldenPayloads:
    @pytest.mark.parametrize("message", event_messages(), ids=lambda message: message.name)
    def test_are_still_read_as_they_were_written(self, message: Descriptor) -> None:
        path = path_of(message)

        assert path.exists(), f"no golden payload for {spec_of(message).type} v{spec_of(message).version}"
        decoded = message._concrete_class.FromString(path.read_bytes())
        expected = MessageToDict(filled(message._concrete_class))
        found = MessageToDict(decoded)
        assert _told(found, expected) == found


def _told(found: Any, expected: Any) -> Any:
    """Return of what is expected now the part that was there when it was written: fields are added, also to what is inside."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return {key: _told(value, expected.get(key)) for key, value in found.items()}
    if isinstance(found, list) and isinstance(expected, list):
        return [_told(*pair) for pair in zip(found, expected, strict=True)]
    return expected
