"""Run fulfillment's command line."""

from meshkit.cli import service_app
from services.fulfillment.service import SPEC

service_app(SPEC)()
