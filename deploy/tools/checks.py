"""Assertions of the demo story."""

from __future__ import annotations


class StoryBroken(Exception):
    """Something in the story is not as it must be."""


def check(condition: object, what: str) -> None:
    """Raise StoryBroken unless the condition holds."""
    if not condition:
        raise StoryBroken(what)
