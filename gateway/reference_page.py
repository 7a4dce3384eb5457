"""The reference page at /docs: every operation with its guard, schemas and a form to try it; no outside assets.

Invariant: text from the contracts is escaped; the page works without scripts, which only send the trial calls.
"""

from __future__ import annotations

import html
import json
from pathlib import Path

from gateway.envoy_types import Json

_ASSETS = Path(__file__).parent / "page"


def build_reference_page(*, document: Json) -> str:
    """Return the page for an OpenAPI document."""
    groups = [_group(tag["name"], document) for tag in document["tags"]]
    schemas = [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    style, script = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("reference.css", "reference.js"))
    links = "".join(f'<a href="#{_text(tag["name"])}">{_text(tag["name"])}</a>' for tag in document["tags"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Marketmesh API</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{style}</style></head><body><header><h1>Marketmesh API</h1><nav>{links}"
        '<a href="#schemas">schemas</a><a href="/openapi.json">openapi.json</a></nav>'
        '<label>Access token <input id="token" type="password" autocomplete="off"></label></header>'
        f"<main><p>{_text(document['info']['description'])}</p>{''.join(groups)}"
        f'<section id="schemas"><h2>schemas</h2>{"".join(schemas)}</section></main>'
        f"<script>{script}</script></body></html>"
    )


def _group(tag: str, document: Json) -> str:
    operations = [
        _operation(verb, path, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if tag in operation["tags"]
    ]
    return f'<section id="{_text(tag)}"><h2>{_text(tag)}</h2>{"".join(operations)}</section>'


def _operation(verb: str, path: str, operation: Json) -> str:
    guards = ", ".join(next(iter(need)) for need in operation.get("security", [])) or "public"
    fields = "".join(_input(parameter) for parameter in operation.get("parameters", []))
    return (
        f'<details id="{_text(operation["operationId"])}"><summary><b class="{verb}">{verb.upper()}</b> '
        f"<code>{_text(path)}</code> <span>{_text(operation['summary'])}</span> <i>{_text(guards)}</i></summary>"
        f"<p>{_text(operation['description'])}</p><p><code>{_text(operation['x-rpc'])}</code></p>"
        f"<p>Answer: {_schema_link(operation['responses']['200'].get('content', {}))}</p>"
        f'<form data-verb="{verb.upper()}" data-path="{_text(path)}">{fields}{_body(operation)}'
        "<button>Send</button><pre hidden></pre></form></details>"
    )


def _input(parameter: Json) -> str:
    name, where = _text(parameter["name"]), _text(parameter["in"])
    star = "*" if parameter["required"] else ""
    needed = " required" if parameter["required"] else ""
    hint = _text(parameter.get("description", ""))
    return f'<label title="{hint}">{name}{star} <small>{where}</small> <input name="{name}" data-in="{where}"{needed}></label>'


def _body(operation: Json) -> str:
    if "requestBody" not in operation:
        return ""
    link = _schema_link(operation["requestBody"]["content"])
    return f'<label>Body: {link}<textarea name="body" rows="6">{{}}</textarea></label>'


def _schema_link(content: Json) -> str:
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return "raw bytes"
    if "$ref" in schema:
        name = _text(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#schema-{name}"><code>{name}</code></a>'
    return f"<pre>{_text(json.dumps(schema, indent=1))}</pre>"


def _schema(name: str, schema: Json) -> str:
    about = _text(schema.get("description", ""))
    shown = {key: value for key, value in schema.items() if key != "description"}
    text = _text(json.dumps(shown, indent=1, ensure_ascii=False))
    return f'<details id="schema-{_text(name)}"><summary><code>{_text(name)}</code></summary><p>{about}</p><pre>{text}</pre></details>'


def _text(value: str) -> str:
    return html.escape(value, quote=True)
