"""Run commerce's command line."""

from meshkit.cli import service_app
from services.commerce.service import SPEC

service_app(SPEC)()
