"""The jobs that every service has: link audit rows, delete what is past its retention."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from meshkit import audit
from meshkit.jobs import Job
from meshkit.retention import chassis_rules, delete_old

if TYPE_CHECKING:
    from meshkit.settings import RetentionSettings


def chassis_jobs(kept: RetentionSettings) -> tuple[Job, ...]:
    """Return the jobs; they run before the service's own."""
    return (
        Job("audit_chain", timedelta(seconds=1), audit.link_new_rows),
        Job("retention", timedelta(minutes=10), partial(delete_old, rules=chassis_rules(kept))),
    )
