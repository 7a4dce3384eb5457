"""What each route takes, as Lua tables for gateway/lua/strict.lua: where every value comes from, and every field's names.

Derived from the descriptors for every route, so that a new contract is strict without an edit here.
Called by gateway.http_filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import descriptor_pb2

from buf.validate import validate_pb2
from gateway.contracts import Binding, Contracts, Method

_Field = descriptor_pb2.FieldDescriptorProto
_HTTP_BODY = "google.api.HttpBody"
_TIMESTAMP = "google.protobuf.Timestamp"
_VARIABLE = re.compile(r"^\{([a-z_0-9]+)\}$")
# How deep a query parameter may name a field: `filter.price.from`.
_QUERY_DEPTH_MAX = 4
# Where what is absent stays as it is. The transcoder reads null as absent, so that it would do nothing without a word.
_KEEPS_WHAT_IS_ABSENT = ("PATCH", "PUT")
_NO_NULL = "must not be null"
_LEAVE_OUT = f"{_NO_NULL}; leave it out to keep what is there"
_CLEAR = f"{_LEAVE_OUT}, send an empty text to clear it"


class RouteUnreadable(Exception):
    """A route is written in a way that the gateway's check does not know; raised when rendering."""


def build_request_tables(*, contracts: Contracts, body_bytes_max: int) -> str:
    """Return the Lua text that defines ROUTES (by verb, then a tree of path segments) and MESSAGES (by type name)."""
    routes: dict[str, dict[str, Any]] = {}
    messages: dict[str, Any] = {}
    for method in contracts.methods:
        for binding in method.bindings:
            route = _route(contracts, method, binding, body_bytes_max)
            _plant(routes.setdefault(binding.verb, {}), binding.path, route)
            if "kind" in route:
                _collect(contracts, route["kind"], messages)
    return f"local ROUTES = {_lua(routes)}\nlocal MESSAGES = {_lua(messages)}\n"


def path_fields(path: str) -> list[str]:
    """Return the fields bound by a path, in order. Raises RouteUnreadable for more than plain variables."""
    segments = [segment for segment in path.split("/") if "{" in segment or "*" in segment]
    found = [_VARIABLE.match(segment) for segment in segments]
    if not all(found):
        raise RouteUnreadable(f"{path}: only whole segments like {{order_id}} may be variables")
    return [match.group(1) for match in found if match]


def _route(contracts: Contracts, method: Method, binding: Binding, body_bytes_max: int) -> dict[str, Any]:
    bound = path_fields(binding.path)
    fields = contracts.messages[method.input_type][0].field
    by_name = {field.name: field for field in fields}
    route: dict[str, Any] = {
        "path": bound,
        "bound": {name: field.name for field in fields if field.name in bound for name in _spellings(field)},
        "limit": method.policy.body_bytes_max or body_bytes_max,
        **_body(method, binding, by_name),
    }
    if binding.verb in _KEEPS_WHAT_IS_ABSENT and route["body"] == "json":
        route["nulls"] = {field.name: _null_text(field) for field in contracts.messages[route["kind"]][0].field}
    parameters = (
        [] if binding.body == "*" else list(_parameters(contracts, method.input_type, taken={*bound, binding.body}))
    )
    return {
        **route,
        "params": {spelling: name for name, _, spellings in parameters for spelling in spellings},
        "many": {name: True for name, field, _ in parameters if field.label == _Field.LABEL_REPEATED},
        "dates": {name: True for name, field, _ in parameters if field.type_name == "." + _TIMESTAMP},
    }


def _body(method: Method, binding: Binding, by_name: Mapping[str, _Field]) -> dict[str, str]:
    if not binding.body:
        return {"body": "none"}
    kind = method.input_type if binding.body == "*" else by_name[binding.body].type_name.lstrip(".")
    return {"body": "raw"} if kind == _HTTP_BODY else {"body": "json", "kind": kind}


def _null_text(field: _Field) -> str:
    """Return why null is refused for a field, and what says what null might have meant."""
    rules = field.options.Extensions[validate_pb2.field]
    if rules.required or not (field.proto3_optional or _is_message(field) or field.label == _Field.LABEL_REPEATED):
        return _NO_NULL
    takes_empty = (
        field.type == _Field.TYPE_STRING
        and not rules.string.min_len
        and rules.string.WhichOneof("well_known") is None
        and re.search(rules.string.pattern, "") is not None
    )
    return _CLEAR if takes_empty else _LEAVE_OUT


def _parameters(
    contracts: Contracts, type_name: str, *, taken: set[str] | None = None, depth: int = 1
) -> Iterator[tuple[str, _Field, list[str]]]:
    """Yield every scalar that a query may name: its dotted name, its field, all spellings."""
    for field in contracts.messages[type_name][0].field:
        inner = field.type_name.lstrip(".")
        if field.name in (taken or ()):
            continue
        if not _is_message(field):
            yield field.name, field, _spellings(field)
        elif field.label != _Field.LABEL_REPEATED and depth < _QUERY_DEPTH_MAX:
            for name, leaf, spellings in _parameters(contracts, inner, depth=depth + 1):
                own = _spellings(field)
                yield f"{field.name}.{name}", leaf, [f"{first}.{rest}" for first in own for rest in spellings]


def _collect(contracts: Contracts, type_name: str, messages: dict[str, Any]) -> None:
    """Add a message and all that it holds. An entry of a map stands for the map: it has no names, any key will do."""
    if type_name in messages:
        return
    message = contracts.messages[type_name][0]
    kinds: dict[str, str] = {}
    names = {spelling: field.name for field in message.field for spelling in _spellings(field)}
    messages[type_name] = {"kinds": kinds} if message.options.map_entry else {"names": names, "kinds": kinds}
    for field in message.field:
        if _is_message(field):
            kinds[field.name] = field.type_name.lstrip(".")
            _collect(contracts, kinds[field.name], messages)


def _is_message(field: _Field) -> bool:
    # Well-known types are written as one JSON value.
    return field.type == _Field.TYPE_MESSAGE and not field.type_name.startswith(".google.protobuf.")


def _spellings(field: _Field) -> list[str]:
    return sorted({field.name, field.json_name})


def _plant(tree: dict[str, Any], path: str, route: dict[str, Any]) -> None:
    for segment in path.strip("/").split("/"):
        is_variable = bool(_VARIABLE.match(segment))
        parent = tree if is_variable else tree.setdefault("literals", {})
        tree = parent.setdefault("variable" if is_variable else segment, {})
    tree["route"] = route


def _lua(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"[{_lua(key)}]={_lua(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(_lua(each) for each in value) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
