"""Resource names: projects/<project>/<collection>/<id>.

Source: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
"""

import re
from typing import Literal

from deploy.dev.pubsub import errors

Collection = Literal["topics", "subscriptions", "snapshots"]

# What a subscription shows as its topic once that is deleted.
DELETED_TOPIC = "_deleted-topic_"

_PROJECT = re.compile(r"projects/[^/\s]+\Z")
_RESOURCE_ID = re.compile(r"[A-Za-z][A-Za-z0-9._~+%-]{2,254}\Z")


def check_name(*, name: str, collection: Collection) -> None:
    """Raise ArgumentInvalid unless `name` may be given to a new resource of `collection`."""
    parts = name.split("/")
    if (
        len(parts) == len(("projects", "project", "collection", "id"))
        and _PROJECT.match("/".join(parts[:2]))
        and parts[2] == collection
        and _RESOURCE_ID.match(parts[3])
        and not parts[3].startswith("goog")
    ):
        return
    message = f"Invalid resource name given (name={name}) in [{collection}]."
    raise errors.ArgumentInvalid(message)


def check_project(*, project: str) -> None:
    """Raise ArgumentInvalid unless `project` looks like projects/<project>."""
    if not _PROJECT.match(project):
        message = f"Invalid project name given (name={project})."
        raise errors.ArgumentInvalid(message)


def project_of(*, name: str) -> str:
    """Return the bare project of a checked resource name."""
    return name.split("/")[1]


def id_of(*, name: str) -> str:
    """Return the last part of a checked resource name."""
    return name.split("/")[3]
