"""Who is calling. Made by the authenticate step only; everything below trusts it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum

# The `iss` claim of every token.
ISSUER = "marketmesh"


class Audience(StrEnum):
    """The surface a token is for; the `aud` claim."""

    STORE = "marketmesh.store"
    ADMIN = "marketmesh.admin"
    AGENT = "marketmesh.agent"
    SERVICE = "marketmesh.service"


@dataclass(frozen=True)
class Principal:
    """A caller: a person with at most one active store, another service, nobody, or the system itself."""

    audience: Audience | None = None
    user_id: uuid.UUID | None = None
    store_id: uuid.UUID | None = None
    store_type: str = ""
    role: str = ""
    session_id: uuid.UUID | None = None
    service: str = ""
    # Who the calling service acts for.
    origin: str = ""
    claims: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def subject(self) -> str:
        """Return the scope of idempotency keys, rate limits and audit rows."""
        if self.service:
            return f"service:{self.service}"
        if self.user_id is None:
            return "anonymous"
        return f"user:{self.user_id}:{self.store_id or '-'}"

    @property
    def require_user(self) -> uuid.UUID:
        """Return the user's id; the policy guarantees it for USER and STAFF methods."""
        assert self.user_id is not None, "policy let a caller without user through"
        return self.user_id

    @property
    def require_store(self) -> uuid.UUID:
        """Return the active store's id; the policy guarantees it for methods with a store kind."""
        assert self.store_id is not None, "policy let a caller without store through"
        return self.store_id


ANONYMOUS = Principal()
SYSTEM = Principal(service="system")
