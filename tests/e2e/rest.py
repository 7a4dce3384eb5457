"""Calls through the gateway without any of a good client's patience."""

from __future__ import annotations

from typing import Any

import requests

from deploy.tools.rest_client import Answer, RestClient


def raw(
    client: RestClient,
    method: str,
    path: str,
    *,
    body: Any = None,
    key: str = "",
    data: bytes | None = None,
    **headers: str,
) -> Answer:
    """Call once."""
    sent = {"authorization": f"Bearer {client.access_token}"} if client.access_token else {}
    if key:
        sent["idempotency-key"] = key
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        sent["content-type"] = "application/json"
    response = requests.request(method, client.base_url + path, json=body, data=data, headers=sent, timeout=30)
    try:
        decoded = response.json()
    except ValueError:
        decoded = response.text
    return Answer(response.status_code, decoded, {name.lower(): value for name, value in response.headers.items()})


def detail(answer: Answer, kind: str) -> dict[str, Any]:
    """Return the one detail of an error that is of a kind."""
    found: dict[str, Any] = next(item for item in answer.body["details"] if item["@type"].endswith(kind))
    return found
