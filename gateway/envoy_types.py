"""Type URLs of Envoy's extensions and the two shapes every other module writes. Imported by the renderer only."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_PREFIX = "type.googleapis.com/"
HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
HTTP = "envoy.extensions.filters.http."


def typed(type_name: str, /, **values: Any) -> Json:
    """Return an Any: the type's URL and its fields."""
    return {"@type": _PREFIX + type_name, **values}


def extension(name: str, type_name: str, /, **values: Any) -> Json:
    """Return a named extension with its typed configuration."""
    return {"name": name, "typed_config": typed(type_name, **values)}


def seconds(value: float) -> str:
    """Return a protobuf JSON duration."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"
