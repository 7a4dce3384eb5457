"""Run media's command line."""

from meshkit.cli import service_app
from services.media.service import SPEC

service_app(SPEC)()
