"""Run analytics's command line."""

from meshkit.cli import service_app
from services.analytics.service import SPEC

service_app(SPEC)()
