"""Who can sign in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple


class Person(NamedTuple):
    """Somebody who can sign in. People of the platform itself have a system role, all others have stores."""

    id: uuid.UUID
    email: str
    password_hash: str
    first_name: str
    last_name: str
    phone: str
    system_role: str | None
    is_active: bool
    last_login_at: datetime | None
    created_at: datetime
