"""The one listener: connection handling, limits, access log, and the filters and routes put together."""

from __future__ import annotations

from gateway.clusters import socket_address
from gateway.contracts import Contracts
from gateway.envoy_types import HCM, Json, extension
from gateway.http_filters import build_http_filters, early_mutations, largest_body
from gateway.local_replies import build_local_reply_config
from gateway.routes import Pages, build_route_config
from gateway.settings import Address, GatewaySettings

_STREAMS_MAX = 1_024
_BUFFER_SPARE = 64 * 1024
_ACCESS_LOG_FIELDS = {
    "time": "%START_TIME%",
    "event": "gateway.request",
    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "path": "%DYNAMIC_METADATA(gateway.edge:path)%",
    # Without the query, which is still there when a request was refused before it became a call.
    "grpc_path": "%PATH(NQ:PATH)%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "upstream_host": "%UPSTREAM_HOST%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "traceparent": "%REQ(TRACEPARENT)%",
    "sub": "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:sub)%",
    "client_ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
}


def build_listener(*, contracts: Contracts, settings: GatewaySettings, pages: Pages) -> Json:
    """Return the listener that clients connect to."""
    largest = largest_body(contracts=contracts, settings=settings)
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        HCM,
        **_connection_limits(settings),
        **_request_handling(settings),
        access_log=[_access_log(settings)],
        local_reply_config=build_local_reply_config(
            owners=contracts.owners, body_bytes_max=largest_body(contracts=contracts, settings=settings)
        ),
        route_config=build_route_config(contracts=contracts, settings=settings, pages=pages),
        http_filters=build_http_filters(contracts=contracts, settings=settings),
    )
    return {
        "name": "gateway",
        "address": socket_address(Address(host=settings.bind, port=settings.port)),
        # A body is read whole before it is judged, so the largest that any route takes must fit.
        "per_connection_buffer_limit_bytes": largest + _BUFFER_SPARE,
        "filter_chains": [{"filters": [manager]}],
    }


def _connection_limits(settings: GatewaySettings) -> Json:
    return {
        "stat_prefix": "gateway",
        "codec_type": "AUTO",
        "http2_protocol_options": {"max_concurrent_streams": _STREAMS_MAX},
        "common_http_protocol_options": {"idle_timeout": "300s", "headers_with_underscores_action": "DROP_HEADER"},
        "stream_idle_timeout": "300s",
        # A client that sends its headers or body drop by drop does not hold a stream for ever.
        "request_headers_timeout": "10s",
        "request_timeout": "30s",
        "delayed_close_timeout": "1s",
    }


def _request_handling(settings: GatewaySettings) -> Json:
    return {
        "use_remote_address": True,
        "xff_num_trusted_hops": settings.trusted_hops,
        "normalize_path": True,
        "merge_slashes": True,
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": _REQUEST_ID,
        "early_header_mutation_extensions": early_mutations(settings),
        "server_name": "marketmesh",
    }


_REQUEST_ID = {
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        # Trace bits inside the id would make it another id than the one the caller sent.
        "pack_trace_reason": False,
    }
}


def _access_log(settings: GatewaySettings) -> Json:
    return extension(
        "envoy.access_loggers.file",
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        path=settings.access_log,
        log_format={"json_format": _ACCESS_LOG_FIELDS},
    )
