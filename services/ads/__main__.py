"""Run ads's command line."""

from meshkit.cli import service_app
from services.ads.service import SPEC

service_app(SPEC)()
