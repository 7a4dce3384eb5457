"""The edge: Envoy's configuration, the OpenAPI document and the reference page, all derived from the contracts."""
