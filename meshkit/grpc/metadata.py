"""What a call brings along in its metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshkit.call import Call
from meshkit.ids import new_id
from meshkit.principal import ANONYMOUS

if TYPE_CHECKING:
    import grpc

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,128}$")


def metadata_of(context: grpc.ServicerContext) -> dict[str, str]:
    """Return the call's text metadata; binary entries are left out."""
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def call_from(metadata: dict[str, str]) -> Call:
    """Return the call that the metadata describes; the request id is made when missing or malformed."""
    request_id = metadata.get("x-request-id", "")
    return Call(
        principal=ANONYMOUS,
        request_id=request_id if _REQUEST_ID.match(request_id) else new_id().hex,
        client_ip=metadata.get("x-mesh-client-ip", ""),
    )
