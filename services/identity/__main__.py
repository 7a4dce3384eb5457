"""Run identity's command line."""

from meshkit.cli import service_app
from services.identity.service import SPEC

service_app(SPEC)()
