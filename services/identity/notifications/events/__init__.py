"""What others report and people are told of."""

from services.identity.notifications.events.handlers import consumers

__all__ = ["consumers"]
