"""Run finance's command line."""

from meshkit.cli import service_app
from services.finance.service import SPEC

service_app(SPEC)()
