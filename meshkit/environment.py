"""Where a process of the mesh runs: one list for the services and the gateway."""

from __future__ import annotations

import enum


class Environment(enum.StrEnum):
    """Where a process runs. There is no default and no other spelling: a typo must not open anything."""

    DEV = "dev"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_for_trial(self) -> bool:
        """Whether only developers and tests are served here, so that conveniences which would harm real people are allowed."""
        return self in {Environment.DEV, Environment.TEST}
