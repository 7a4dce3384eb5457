"""Upstream clusters: one per service of the mesh, and the gateway itself for fetching the public keys.

Invariant: a process that does not answer its gRPC health check, or says NOT_SERVING, gets no traffic.
"""

from __future__ import annotations

import ipaddress

from gateway.envoy_types import Json, typed
from gateway.settings import Address, GatewaySettings, SettingsInvalid

SELF = "gateway_self"
# Envoy's own admin port, on loopback: asked who is away when something is.
ADMIN = "gateway_admin"
_H2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_STREAMS_MAX = 1_000
_REQUESTS_MAX = 1_024


def build_clusters(*, owners: tuple[str, ...], settings: GatewaySettings) -> list[Json]:
    """Return a cluster for each owner.

    Raises: SettingsInvalid when an owner has no address. In development and tests such a cluster is empty and its
    routes answer 503, so that half a mesh can be run.
    """
    missing = [owner for owner in owners if not settings.addresses.get(owner)]
    if missing and not settings.environment.is_for_trial:
        names = ", ".join(f"MESH_{owner.upper()}_ADDRESS" for owner in missing)
        raise SettingsInvalid(f"{settings.environment} needs {names}")
    services = [_service_cluster(owner, settings) for owner in owners]
    admin = _cluster(ADMIN, (Address(host="127.0.0.1", port=settings.admin_port),))
    return [*services, _self_cluster(settings), admin]


def self_address(settings: GatewaySettings) -> Address:
    """Return where the gateway reaches its own listener."""
    wildcard = settings.bind in ("0.0.0.0", "::")
    return Address(host="127.0.0.1" if wildcard else settings.bind, port=settings.port)


def _service_cluster(owner: str, settings: GatewaySettings) -> Json:
    addresses = settings.addresses.get(owner, ())
    http2 = {"http2_protocol_options": {"max_concurrent_streams": _STREAMS_MAX}}
    return {
        **_cluster(owner, addresses),
        "lb_policy": "LEAST_REQUEST",
        "typed_extension_protocol_options": {_H2: typed(_H2, explicit_http_config=http2)},
        # Without it Envoy "panics" and sends traffic to hosts it knows to be down.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [_health_check(settings)],
        "outlier_detection": _OUTLIER_DETECTION,
        "circuit_breakers": {"thresholds": [{"max_requests": _REQUESTS_MAX, "max_pending_requests": _REQUESTS_MAX}]},
    }


def _self_cluster(settings: GatewaySettings) -> Json:
    return _cluster(SELF, (self_address(settings),))


def _cluster(name: str, addresses: tuple[Address, ...]) -> Json:
    return {
        "name": name,
        "type": "STATIC" if all(_is_ip(address.host) for address in addresses) else "STRICT_DNS",
        "connect_timeout": "1s",
        "dns_lookup_family": "V4_PREFERRED",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [_endpoint(address) for address in addresses]}],
        },
    }


def _endpoint(address: Address) -> Json:
    return {"endpoint": {"address": socket_address(address)}}


def socket_address(address: Address) -> Json:
    """Return Envoy's spelling of an address."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _health_check(settings: GatewaySettings) -> Json:
    return {
        "timeout": "1s",
        "interval": "1s",
        # Idle clusters are checked each minute by default: a service that starts late would look dead that long.
        "no_traffic_interval": "1s" if settings.environment.is_for_trial else "5s",
        "unhealthy_interval": "1s",
        # Two, so that one slow answer of a busy process does not take it out.
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "grpc_health_check": {},
    }


# Counted: failures to reach a process, and UNAVAILABLE of its gRPC runtime, which comes as one block of headers with the
# status in it. Not counted: what the runtime says of a caller's bytes (INTERNAL for a message it cannot read, UNIMPLEMENTED
# for a compression it does not know): anybody could keep processes ejected with them. Nor what a service's own code answers
# (UNAVAILABLE because Stripe is down): it says nothing about the process, and would eject them all. Such an answer has
# headers of its own first (the interceptor sends x-request-id) and its status in the trailers, where Envoy's detector does
# not look.
_OUTLIER_DETECTION: Json = {
    "split_external_local_origin_errors": True,
    "consecutive_local_origin_failure": 5,
    "enforcing_consecutive_local_origin_failure": 100,
    "enforcing_local_origin_success_rate": 0,
    "consecutive_gateway_failure": 5,
    "enforcing_consecutive_gateway_failure": 100,
    "enforcing_consecutive_5xx": 0,
    "enforcing_success_rate": 0,
    "interval": "1s",
    "base_ejection_time": "2s",
    "max_ejection_time": "10s",
    "max_ejection_percent": 50,
}


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
