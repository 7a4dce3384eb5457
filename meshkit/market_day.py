"""Days as the market counts them: in its own zone, not in UTC, where an evening is tomorrow already."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from meshkit.errors import ValidationError

# REQUIREMENTS A.9.
MARKET_ZONE = ZoneInfo("America/Chicago")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def market_day(instant: datetime) -> date:
    """Return the day of the market that an instant falls into."""
    return instant.astimezone(MARKET_ZONE).date()


def start_of(day: date) -> datetime:
    """Return the first instant of a day of the market."""
    return datetime.combine(day, time(), tzinfo=MARKET_ZONE)


def parse_day(text: str, *, field: str) -> date:
    """Return the day that `YYYY-MM-DD` names. Raises ValidationError on `field` for anything else."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValidationError.of(field, "must be a day as YYYY-MM-DD")
