"""The routes as a Markdown table, for gateway/README.md. A test keeps the copy there current."""

from __future__ import annotations

from gateway.contracts import Contracts, Method
from marketmesh.options.v1 import policy_pb2


def build_routes_table(*, contracts: Contracts) -> str:
    """Return one line per REST spelling of each offered RPC, sorted by path and verb."""
    lines = ["| Verb | Path | Guard | Effect | Key | RPC |", "|---|---|---|---|---|---|"]
    rows = [(binding.path, binding.verb, method) for method in contracts.methods for binding in method.bindings]
    lines += [_line(path, verb, method) for path, verb, method in sorted(rows, key=lambda row: row[:2])]
    return "\n".join(lines) + "\n"


def guard_of(method: Method) -> str:
    """Return who may call, in words: `public`, `store, admin`, with roles and kind of store."""
    if not method.audiences:
        return "public"
    words = [", ".join(audience.removeprefix("marketmesh.") for audience in method.audiences)]
    kind = policy_pb2.StoreKind.Name(method.policy.store).removeprefix("STORE_KIND_").lower()
    if kind not in ("unspecified", "any"):
        words.append(kind)
    if method.policy.roles:
        words.append("/".join(method.policy.roles))
    return "; ".join(words)


def _line(path: str, verb: str, method: Method) -> str:
    effect = policy_pb2.Effect.Name(method.policy.effect).removeprefix("EFFECT_").lower()
    key = "yes" if method.takes_idempotency_key else ""
    return f"| {verb} | `{path}` | {guard_of(method)} | {effect} | {key} | `{method.grpc_path[1:]}` |"
