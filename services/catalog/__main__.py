"""Run catalog's command line."""

from meshkit.cli import service_app
from services.catalog.service import SPEC

service_app(SPEC)()
