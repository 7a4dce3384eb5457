"""Finds what the mesh consists of: services from their folders, contracts from the generated modules."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.dev.ports import SERVICES
from marketmesh.options.v1 import event_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor

_ROOT = Path(__file__).resolve().parent.parent.parent
_GENERATED = _ROOT / "gen" / "marketmesh"


def services_present() -> tuple[str, ...]:
    """Return the services that exist, in the house's order."""
    found = {path.parent.name for path in (_ROOT / "services").glob("*/service.py")}
    return (*(name for name in SERVICES if name in found), *sorted(found - set(SERVICES)))


@cache
def files() -> tuple[FileDescriptor, ...]:
    """Return the descriptors of all our proto files."""
    modules = sorted(_GENERATED.rglob("*_pb2.py"))
    names = [".".join(path.relative_to(_GENERATED.parent).with_suffix("").parts) for path in modules]
    return tuple(importlib.import_module(name).DESCRIPTOR for name in names)


def grpc_services() -> tuple[ServiceDescriptor, ...]:
    """Return the descriptors of all gRPC services."""
    return tuple(service for file in files() for service in file.services_by_name.values())


def event_messages() -> tuple[Descriptor, ...]:
    """Return the descriptors of all messages declared as events."""
    messages = [message for file in files() for message in file.message_types_by_name.values()]
    return tuple(message for message in messages if message.GetOptions().HasExtension(event_pb2.event))
