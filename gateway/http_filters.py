"""The HTTP filters, in the order a request meets them. The README explains the order; tests prove each part."""

from __future__ import annotations

from pathlib import Path

from gateway import clusters, routes
from gateway.contracts import Contracts
from gateway.envoy_types import HTTP, Json, extension, typed
from gateway.request_tables import build_request_tables
from gateway.settings import GatewaySettings

ISSUER = "marketmesh"
JWKS_PATH = "/.well-known/jwks.json"
_LUA = Path(__file__).parent / "lua"
_RESPONSE_BYTES_MAX = 4 * 1024 * 1024
_CLOCK_SKEW_S = 5
_TOKEN_CACHE = 1_000


def build_http_filters(*, contracts: Contracts, settings: GatewaySettings) -> list[Json]:
    """Return the filter chain."""
    return [
        extension("envoy.filters.http.cors", HTTP + "cors.v3.Cors"),
        _edge(),
        _readiness(contracts),
        {"name": "gateway.rate_limit.global",
         "typed_config": routes.rate_limit(name="global", per_second=settings.rate_per_second)},
        _strict(contracts, settings),
        extension("envoy.filters.http.grpc_web", HTTP + "grpc_web.v3.GrpcWeb"),
        _transcoder(contracts, settings),
        # Its buckets are on the routes; the filter itself limits nothing.
        extension(routes.AUTH_RATE_FILTER, HTTP + "local_ratelimit.v3.LocalRateLimit", stat_prefix="auth"),
        _tokens(contracts, settings),
        extension("envoy.filters.http.router", HTTP + "router.v3.Router", suppress_envoy_headers=True),
    ]  # fmt: skip


def _readiness(contracts: Contracts) -> Json:
    path = {"name": ":path", "string_match": {"exact": "/health/ready"}}
    return extension(
        "envoy.filters.http.health_check",
        HTTP + "health_check.v3.HealthCheck",
        pass_through_mode=False,
        headers=[path],
        cluster_min_healthy_percentages={owner: {"value": 1} for owner in contracts.owners},
    )


def _edge() -> Json:
    return _lua("gateway.edge", (_LUA / "edge.lua").read_text(encoding="utf-8"))


def _strict(contracts: Contracts, settings: GatewaySettings) -> Json:
    tables = build_request_tables(contracts=contracts, body_bytes_max=settings.body_bytes_max)
    code = "".join((_LUA / name).read_text(encoding="utf-8") for name in ("frames.lua", "strict.lua"))
    return _lua("gateway.strict", tables + code)


def _lua(name: str, code: str) -> Json:
    return extension(name, HTTP + "lua.v3.Lua", default_source_code={"inline_string": code})


def _transcoder(contracts: Contracts, settings: GatewaySettings) -> Json:
    return extension(
        routes.TRANSCODER_FILTER,
        HTTP + "grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor=str(settings.descriptor_path),
        services=list(contracts.services),
        auto_mapping=False,
        convert_grpc_status=True,
        max_request_body_size=largest_body(contracts=contracts, settings=settings),
        max_response_body_size=_RESPONSE_BYTES_MAX,
        print_options={"always_print_primitive_fields": True, "preserve_proto_field_names": True},
        # Without reject_unknown_method an unmapped path would reach a service as plain HTTP.
        request_validation_options={"reject_unknown_query_parameters": True, "reject_unknown_method": True},
        # As browsers and libraries write a blank. gateway.strict keeps the plus of a date.
        query_param_unescape_plus=True,
    )


def largest_body(*, contracts: Contracts, settings: GatewaySettings) -> int:
    """Return the largest body that any route takes; gateway.strict holds each to its own limit."""
    return max(settings.body_bytes_max, *(method.policy.body_bytes_max for method in contracts.methods))


def _tokens(contracts: Contracts, settings: GatewaySettings) -> Json:
    every = sorted({method.audiences for method in contracts.methods if method.audiences})
    rules = {
        routes.requirement_name(audiences): {
            "provider_and_audiences": {"provider_name": ISSUER, "audiences": list(audiences)}
        }
        for audiences in every
    }
    return extension(
        routes.JWT_FILTER,
        HTTP + "jwt_authn.v3.JwtAuthentication",
        providers={ISSUER: _provider(settings)},
        requirement_map=rules,
    )


def _provider(settings: GatewaySettings) -> Json:
    address = clusters.self_address(settings)
    return {
        "issuer": ISSUER,
        "require_expiration": True,
        "clock_skew_seconds": _CLOCK_SKEW_S,
        # Services check the token again.
        "forward": True,
        # Named, because the default also takes a token from the query string, which gets logged and shared.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "payload_in_metadata": "payload",
        "jwt_cache_config": {"jwt_cache_size": _TOKEN_CACHE},
        "remote_jwks": {
            "http_uri": {
                "uri": f"http://{address.host}:{address.port}{JWKS_PATH}",
                "cluster": clusters.SELF,
                "timeout": "2s",
            },
            "cache_duration": "300s",
            # The listener does not wait for identity; it asks again each second until identity is there.
            "async_fetch": {"fast_listener": True, "failed_refetch_duration": "1s"},
        },
    }


def early_mutations(settings: GatewaySettings) -> list[Json]:
    """Return what happens to headers before Envoy itself looks at them: nobody outside can pose as the mesh."""
    forged = ["x-user-id", "x-store-id", "x-tenant-id", "x-jwt-payload"]
    if settings.trusted_hops == 0:
        forged += ["x-forwarded-for", "x-real-ip"]
    # Envoy takes orders (time-outs, retries) from x-envoy- headers of callers in private networks.
    prefixes = [{"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in ("x-mesh-", "x-envoy-")]
    inbound = {"key": "x-mesh-inbound-request-id", "value": "%REQ(X-REQUEST-ID)%"}
    aside = {"append": {"header": inbound, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    removals = [{"remove": name} for name in (*forged, "x-request-id")]
    mutation = typed(
        "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[*prefixes, aside, *removals],
    )
    return [{"name": "envoy.http.early_header_mutation.header_mutation", "typed_config": mutation}]
