"""Turns events of other services into notifications."""

from services.identity.notifications.events.handlers import consumers

__all__ = ["consumers"]
