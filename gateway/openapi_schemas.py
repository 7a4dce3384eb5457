"""JSON schemas of the contracts' messages, as the transcoder reads and writes them (proto3 JSON, proto field names).

Called by gateway.openapi, which decides which messages are reachable.
"""

from __future__ import annotations

import json
import re
from typing import Any

from google.protobuf import descriptor_pb2

from buf.validate import validate_pb2
from gateway.contracts import Contracts
from gateway.envoy_types import Json

_Field = descriptor_pb2.FieldDescriptorProto
_LONG = "64-bit integer, written as a string so that no JSON reader rounds it"
_SCALARS: dict[int, Json] = {
    _Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    _Field.TYPE_INT32: {"type": "integer", "format": "int32"},
    _Field.TYPE_SINT32: {"type": "integer", "format": "int32"},
    _Field.TYPE_SFIXED32: {"type": "integer", "format": "int32"},
    _Field.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    _Field.TYPE_FIXED32: {"type": "integer", "format": "int64", "minimum": 0},
    _Field.TYPE_INT64: {"type": "string", "format": "int64", "description": _LONG},
    _Field.TYPE_SINT64: {"type": "string", "format": "int64", "description": _LONG},
    _Field.TYPE_SFIXED64: {"type": "string", "format": "int64", "description": _LONG},
    _Field.TYPE_UINT64: {"type": "string", "format": "uint64", "description": _LONG},
    _Field.TYPE_FIXED64: {"type": "string", "format": "uint64", "description": _LONG},
    _Field.TYPE_BOOL: {"type": "boolean"},
    _Field.TYPE_STRING: {"type": "string"},
    _Field.TYPE_BYTES: {"type": "string", "format": "byte"},
}
# Well-known types have their own JSON.
_WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Field names with commas between them"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
    "google.protobuf.StringValue": {"type": ["string", "null"]},
    "google.protobuf.BoolValue": {"type": ["boolean", "null"]},
    "google.protobuf.Int32Value": {"type": ["integer", "null"]},
    "google.protobuf.Int64Value": {"type": ["string", "null"], "format": "int64", "description": _LONG},
    "google.protobuf.DoubleValue": {"type": ["number", "null"]},
}
_NUMBERS = frozenset({"int32", "int64", "uint32", "uint64", "sint32", "sint64", "double", "float"})
_STRING_FORMATS = {"email": "email", "uuid": "uuid", "uri": "uri", "hostname": "hostname"}


class Schemas:
    """Collects the schemas of all types reachable from what was asked for."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.components: Json = {}

    def reference(self, type_name: str) -> Json:
        """Return a reference to a message's or an enum's schema, adding it when it is new."""
        name = type_name.lstrip(".")
        if name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[name])
        key = component_name(name)
        if key not in self.components:
            self.components[key] = {}
            self.components[key] = self._enum(name) if name in self._contracts.enums else self._message(name)
        return {"$ref": f"#/components/schemas/{key}"}

    def used_by(self, paths: Json) -> Json:
        """Return the schemas that operations name, and those that these name, sorted."""
        used: set[str] = set()
        todo = _names_in(paths)
        while todo:
            name = todo.pop()
            if name not in used and name in self.components:
                used.add(name)
                todo |= _names_in(self.components[name])
        return {name: self.components[name] for name in sorted(used)}

    def field(self, message: str, index: int) -> Json:
        """Return the schema of a field with its comment and constraints."""
        field = self._contracts.messages[message][0].field[index]
        schema = self._type_of(field)
        if comment := self._contracts.field_comments.get((message, index)):
            schema["description"] = f"{comment} ({schema['description']})" if "description" in schema else comment
        return schema

    def _type_of(self, field: _Field) -> Json:
        if self._is_map(field):
            entry = self._contracts.messages[field.type_name.lstrip(".")][0]
            return {"type": "object", "additionalProperties": self._single(entry.field[1])}
        rules = field.options.Extensions[validate_pb2.field]
        if field.label == _Field.LABEL_REPEATED:
            limits = {"minItems": rules.repeated.min_items, "maxItems": rules.repeated.max_items}
            return {"type": "array", "items": self._single(field), **{k: v for k, v in limits.items() if v}}
        return {**self._single(field), **_constraints(field, rules)}

    def _single(self, field: _Field) -> Json:
        if field.type in (_Field.TYPE_MESSAGE, _Field.TYPE_ENUM):
            return self.reference(field.type_name)
        if words := self._contracts.words_of(field):
            # One text may be empty, where nothing is to be said.
            nothing = () if field.label == _Field.LABEL_REPEATED else ("",)
            return {**_SCALARS[field.type], "enum": [*words, *nothing]}
        return dict(_SCALARS[field.type])

    def _is_map(self, field: _Field) -> bool:
        if field.type != _Field.TYPE_MESSAGE or field.label != _Field.LABEL_REPEATED:
            return False
        found = self._contracts.messages.get(field.type_name.lstrip("."))
        return bool(found and found[0].options.map_entry)

    def _message(self, name: str) -> Json:
        message, comment = self._contracts.messages[name]
        properties = {field.name: self.field(name, index) for index, field in enumerate(message.field)}
        required = [field.name for field in message.field if _is_required(field)]
        schema: Json = {"type": "object", "properties": properties}
        if comment:
            schema["description"] = comment
        if required:
            schema["required"] = required
        return schema

    def _enum(self, name: str) -> Json:
        enum, comment = self._contracts.enums[name]
        # The zero value stands for "unspecified": requests may not have it, and answers never do.
        schema: Json = {"type": "string", "enum": [value.name for value in enum.value if value.number]}
        return {**schema, "description": comment} if comment else schema


def _names_in(document: Json) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))


def component_name(type_name: str) -> str:
    """Return a short, unique name: `identity.v1.Store`, and `identity.v1.StoreType` for `StoreType.Value`."""
    return type_name.removeprefix("marketmesh.").removesuffix(".Value")


def _is_required(field: _Field) -> bool:
    """Return whether the server refuses a request without the field: what is absent reads as empty, and that is refused.

    tests/gateway/test_openapi.py holds it against protovalidate, which is what the services ask.
    """
    rules = field.options.Extensions[validate_pb2.field]
    if rules.required:
        return True
    if field.proto3_optional or rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        return False
    if field.label == _Field.LABEL_REPEATED:
        return bool(rules.repeated.min_items)
    kind = rules.WhichOneof("type")
    return _refuses_empty(kind, getattr(rules, kind)) if kind else False


def _refuses_empty(kind: str, rules: Any) -> bool:
    if kind == "string":
        words = list(getattr(rules, "in"))
        return bool(
            rules.min_len
            or rules.len
            or rules.WhichOneof("well_known")
            or (rules.pattern and not re.search(rules.pattern, ""))
            or (words and "" not in words)
        )
    if kind == "enum":
        words = list(getattr(rules, "in"))
        return 0 in rules.not_in or bool(words and 0 not in words)
    if kind in _NUMBERS:
        above = rules.gt >= 0 if rules.HasField("gt") else rules.HasField("gte") and rules.gte > 0
        words = list(getattr(rules, "in"))
        return above or 0 in rules.not_in or bool(words and 0 not in words)
    return bool(kind == "bool" and rules.const)


def _constraints(field: _Field, rules: validate_pb2.FieldRules) -> Json:
    kind = rules.WhichOneof("type")
    if kind == "string":
        return _string_constraints(rules.string)
    if kind in ("int32", "uint32", "double", "float", "sint32"):
        return _range(getattr(rules, kind))
    if kind in ("int64", "uint64"):
        # A string has no minimum: the range goes into words.
        limits = _range(getattr(rules, kind))
        text = ", ".join(f"{name} {value}" for name, value in limits.items())
        return {"description": f"{_LONG}; {text}"} if text else {}
    return {}


def _string_constraints(rules: validate_pb2.StringRules) -> Json:
    found: Json = {}
    for name, keyword in (("min_len", "minLength"), ("max_len", "maxLength"), ("pattern", "pattern")):
        if value := getattr(rules, name):
            found[keyword] = value
    if rules.len:
        found |= {"minLength": rules.len, "maxLength": rules.len}
    # `in` is a word of Python.
    if words := list(getattr(rules, "in")):
        found["enum"] = words
    known = rules.WhichOneof("well_known")
    if known in _STRING_FORMATS:
        found["format"] = _STRING_FORMATS[known]
    return found


def _range(rules: Any) -> Json:
    words = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}
    return {keyword: getattr(rules, name) for name, keyword in words.items() if rules.HasField(name)}
