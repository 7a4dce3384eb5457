"""The filter language: what matches, and what is no filter."""

import pytest

from deploy.dev.pubsub import errors
from deploy.dev.pubsub.filters import FILTER_BYTES_MAX, compile_filter

MATCHING = [
    ("", {}),
    ("   ", {}),
    ('attributes.kind = "a"', {"kind": "a"}),
    ('attributes.kind="a"', {"kind": "a"}),
    ('attributes.kind != "b"', {"kind": "a"}),
    ('attributes.kind != "b"', {}),
    ("attributes:kind", {"kind": ""}),
    ('attributes:"ce-type"', {"ce-type": "x"}),
    ('attributes."ce-type" = "x"', {"ce-type": "x"}),
    ('hasPrefix(attributes.kind, "ab")', {"kind": "abc"}),
    ('hasPrefix(attributes.kind, "")', {"kind": ""}),
    ("NOT attributes:kind", {}),
    ("-attributes:kind", {}),
    ("NOT NOT attributes:kind", {"kind": "a"}),
    ("attributes:a AND attributes:b AND attributes:c", {"a": "", "b": "", "c": ""}),
    ("attributes:a OR attributes:b", {"b": ""}),
    ("attributes:a AND (attributes:b OR attributes:c)", {"a": "", "c": ""}),
    ("NOT attributes:a AND attributes:b", {"b": ""}),
    (r'attributes.text = "say \"AND\" \u00e9"', {"text": 'say "AND" é'}),
    ('attributes.text = "NOT"', {"text": "NOT"}),
]
NOT_MATCHING = [
    ('attributes.kind = "a"', {"kind": "A"}),
    ('attributes.kind = "a"', {}),
    ('attributes.kind = ""', {}),
    ('attributes.kind != "a"', {"kind": "a"}),
    ("attributes:kind", {"other": "a"}),
    ('hasPrefix(attributes.kind, "ab")', {"kind": "a"}),
    ('hasPrefix(attributes.kind, "")', {}),
    ("attributes:a AND attributes:b", {"a": ""}),
    ("attributes:a OR attributes:b", {"c": ""}),
    ("NOT (attributes:a OR attributes:b)", {"b": ""}),
    ("NOT attributes:a AND attributes:b", {"a": "", "b": ""}),
]
INVALID = [
    "nonsense",
    "attributes",
    "attributes.kind",
    "attributes.kind =",
    "attributes.kind = a",
    "attributes.kind == 'a'",
    'attributes.kind > "a"',
    'attributes.ce-type = "a"',
    'attributes.AND = "a"',
    'attributes.1 = "a"',
    "attributes:kind AND",
    "AND attributes:kind",
    "attributes:a and attributes:b",
    "attributes:a attributes:b",
    "attributes:a AND attributes:b OR attributes:c",
    "(attributes:kind",
    "attributes:kind)",
    "()",
    "NOT",
    "hasPrefix(attributes.kind)",
    'hasPrefix("kind", "a")',
    'attributes.kind = "unfinished',
    r'attributes.kind = "\q"',
    "attributes:k\x00",
    "(" * FILTER_BYTES_MAX,
    "-" * FILTER_BYTES_MAX,
    'attributes.kind = "' + "x" * FILTER_BYTES_MAX + '"',
]


class TestCompileFilter:
    @pytest.mark.parametrize(("source", "attributes"), MATCHING)
    def test_lets_matching_attributes_through(self, source: str, attributes: dict[str, str]) -> None:
        assert compile_filter(source=source)(attributes) is True

    @pytest.mark.parametrize(("source", "attributes"), NOT_MATCHING)
    def test_holds_other_attributes_back(self, source: str, attributes: dict[str, str]) -> None:
        assert compile_filter(source=source)(attributes) is False

    @pytest.mark.parametrize("source", INVALID)
    def test_refuses_what_is_no_filter(self, source: str) -> None:
        with pytest.raises(errors.ArgumentInvalid, match="Invalid filter"):
            compile_filter(source=source)
