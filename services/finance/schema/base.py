"""What finance's tables have in common."""

from __future__ import annotations

from meshkit.db.tables import platform_metadata

metadata = platform_metadata()
