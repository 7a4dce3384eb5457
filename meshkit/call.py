"""What is known about the work in hand: who asked, under which request and trace, until when."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshkit.principal import SYSTEM, Principal


@dataclass
class Call:
    """One RPC, event or job run. `headers` are response headers the edge sends back."""

    principal: Principal = SYSTEM
    request_id: str = ""
    traceparent: str = ""
    client_ip: str = ""
    # Monotonic seconds at which the caller stops waiting.
    deadline: float = float("inf")
    # The path of the method, or the name of the job or subscription, that is at work; other loops go by their thread's name.
    work: str = ""
    # Write transactions so far, of this try.
    writes: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    # Headers that a replay must not repeat: tokens.
    secret_headers: dict[str, str] = field(default_factory=dict)
