"""The route table: one exact route per offered RPC, the pages Envoy answers itself, and 404 for all else.

Invariant: REST paths have no routes of their own. The transcoder turns them into gRPC paths and Envoy matches again,
so time-outs, retries, rate limits and token rules exist once, and no spelling of a path can slip past them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.contracts import Contracts, Method
from gateway.envoy_types import HTTP, Json, seconds, typed
from gateway.settings import GatewaySettings
from marketmesh.options.v1 import policy_pb2

AUTH_RATE_FILTER = "gateway.rate_limit.auth"
TRANSCODER_FILTER = "envoy.filters.http.grpc_json_transcoder"
JWT_FILTER = "envoy.filters.http.jwt_authn"
# The name of the routes that Envoy answers itself; gateway.strict lets them pass.
PAGE = "page"
# Anonymous sign-in traffic: what a password guesser calls.
AUTH_BUCKETS = frozenset({"login", "register", "refresh"})
_PAGE_BYTES_MAX = 8 * 1024 * 1024
_PUBLIC_AGE_S = 60
_NEVER_SENT = "connect-failure,refused-stream"
# Swagger UI sets styles of its elements.
_CSP = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


@dataclass(frozen=True)
class Pages:
    """Files that Envoy serves itself."""

    openapi: Path
    # By the address they are served at.
    files: Mapping[str, Path]


def build_route_config(*, contracts: Contracts, settings: GatewaySettings, pages: Pages) -> Json:
    """Return the whole route configuration."""
    routes = [_rpc_route(contracts, method, settings) for method in contracts.methods]
    return {
        "name": "gateway",
        "max_direct_response_body_size_bytes": _PAGE_BYTES_MAX,
        "request_headers_to_add": [_set("x-mesh-client-ip", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
        # Answers are personal or hold tokens; whoever may be kept says so itself.
        "response_headers_to_add": [
            _set("x-content-type-options", "nosniff"),
            _unless_set("cache-control", "no-store"),
        ],
        "virtual_hosts": [
            {
                "name": "all",
                "domains": ["*"],
                "typed_per_filter_config": {"envoy.filters.http.cors": _cors(settings)},
                "routes": [*_page_routes(settings, pages), *routes, _NOT_FOUND],
            }
        ],
    }


def requirement_name(audiences: tuple[str, ...]) -> str:
    """Return the name of the token rule for these audiences, for example `admin+store`."""
    return "+".join(audience.removeprefix("marketmesh.") for audience in audiences)


def _rpc_route(contracts: Contracts, method: Method, settings: GatewaySettings) -> Json:
    route: Json = {
        # The Lua step reads the name to say who failed.
        "name": method.owner,
        "match": {"path": method.grpc_path, "headers": [_IS_GRPC]},
        "route": {"cluster": method.owner, **_time_limits(method, settings), "retry_policy": _retries(method)},
    }
    if _is_the_same_for_all(contracts, method):
        route["response_headers_to_add"] = [_unless_set("cache-control", f"public, max-age={_PUBLIC_AGE_S}")]
    filters: Json = {}
    if method.audiences:
        name = requirement_name(method.audiences)
        filters[JWT_FILTER] = typed(HTTP + "jwt_authn.v3.PerRouteConfig", requirement_name=name)
    if method.policy.rate_limit in AUTH_BUCKETS:
        filters[AUTH_RATE_FILTER] = rate_limit(name="auth", per_second=settings.auth_rate_per_second)
    return {**route, "typed_per_filter_config": filters} if filters else route


def _is_the_same_for_all(contracts: Contracts, method: Method) -> bool:
    """Return whether nothing that a caller says changes the answer, as with the public keys."""
    reads = method.is_public and method.policy.effect == policy_pb2.EFFECT_READ
    return reads and not contracts.messages[method.input_type][0].field


# A JSON body posted at a gRPC path is not a call. The prefix, because gRPC-Web is matched before it is translated.
_IS_GRPC: Json = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}


def rate_limit(*, name: str, per_second: int) -> Json:
    """Return a token bucket that answers 429 when it is empty."""
    whole = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return typed(
        HTTP + "local_ratelimit.v3.LocalRateLimit",
        stat_prefix=name,
        token_bucket={"max_tokens": per_second, "tokens_per_fill": per_second, "fill_interval": "1s"},
        filter_enabled=whole,
        filter_enforced=whole,
    )


def _time_limits(method: Method, settings: GatewaySettings) -> Json:
    if method.streams:
        return {"timeout": "0s", "idle_timeout": "300s"}
    flow = method.policy.effect == policy_pb2.EFFECT_FLOW
    limit = seconds(settings.flow_timeout_s if flow else settings.timeout_s)
    # Passed on as grpc-timeout. A caller's own grpc-timeout may shorten the limit, never lengthen it.
    return {"max_stream_duration": {"max_stream_duration": limit, "grpc_timeout_header_max": limit}}


def _retries(method: Method) -> Json:
    # A write is repeated only when it was certainly never handed to the service.
    read = method.policy.effect == policy_pb2.EFFECT_READ and not method.streams
    return {
        "retry_on": f"{_NEVER_SENT},unavailable" if read else _NEVER_SENT,
        "num_retries": 2,
        "retry_host_predicate": [_PREVIOUS_HOSTS],
        "host_selection_retry_max_attempts": 3,
    }


_PREVIOUS_HOSTS = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
}


def _page_routes(settings: GatewaySettings, pages: Pages) -> list[Json]:
    return [
        _page(
            "/health/live",
            {"inline_string": '{"status":"live"}'},
            "application/json",
            {"x-env": settings.environment, "cache-control": "no-store"},
        ),
        _page("/openapi.json", {"filename": str(pages.openapi)}, "application/json", {}),
        *(
            _page(address, {"filename": str(file)}, _KINDS[file.suffix], {"content-security-policy": _CSP})
            for address, file in pages.files.items()
        ),
    ]


def _page(path: str, body: Json, content_type: str, headers: dict[str, str]) -> Json:
    # Kept, but asked for again each time: a newer gateway has newer ones.
    given = {"content-type": content_type, "cache-control": "no-cache", **headers}
    return {
        "name": PAGE,
        "match": {"path": path, "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
        "direct_response": {"status": 200, "body": body},
        "response_headers_to_add": [_set(name, value) for name, value in given.items()],
        # The transcoder refuses every path that is not in a contract.
        "typed_per_filter_config": {TRANSCODER_FILTER: typed("envoy.config.route.v3.FilterConfig", disabled=True)},
    }


# A route to nowhere and not a direct response, because the CORS filter ignores direct responses. Nobody can send
# the header: everything called x-mesh- is removed first.
_NOT_FOUND: Json = {
    "match": {"prefix": "/"},
    "route": {"cluster_header": "x-mesh-nowhere", "cluster_not_found_response_code": "NOT_FOUND"},
}


def _set(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _unless_set(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}


def _cors(settings: GatewaySettings) -> Json:
    return typed(
        HTTP + "cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in settings.cors_origins],
        allow_methods="GET, POST, PUT, PATCH, DELETE, OPTIONS",
        allow_headers=", ".join(_CORS_REQUEST_HEADERS),
        expose_headers=", ".join(_CORS_RESPONSE_HEADERS),
        max_age="300",
    )


_CORS_REQUEST_HEADERS = (
    "authorization", "content-type", "idempotency-key", "x-request-id", "x-grpc-web", "grpc-timeout",
)  # fmt: skip
_CORS_RESPONSE_HEADERS = (
    "x-access-token", "x-refresh-token", "x-request-id", "x-idempotent-replay", "retry-after",
    "x-next-cursor", "content-disposition",
    "grpc-status", "grpc-message", "grpc-status-details-bin",
)  # fmt: skip
