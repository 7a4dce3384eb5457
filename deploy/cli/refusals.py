"""How a command says that it cannot do its work: one clear line, never a traceback, for what an operator can mend."""

from __future__ import annotations

import redis
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from sqlalchemy.exc import SQLAlchemyError

from deploy.dev.ports import BadPort
from deploy.dev.state import StateUnusable
from deploy.tools.connection import NoStack
from meshkit.db.engine import is_unavailable
from meshkit.settings import SettingsInvalid

_LINE_MAX = 300


def reason_of(error: Exception) -> str | None:
    """Return the message for an error of the operator's surroundings; None for a defect, which needs its traceback."""
    reason = None
    match error:
        case NoStack() | StateUnusable() | BadPort() | SettingsInvalid():
            reason = str(error)
        case GoogleAuthError():
            reason = (
                "no credentials for Google Cloud: set GOOGLE_APPLICATION_CREDENTIALS, or PUBSUB_EMULATOR_HOST for a"
                f" server of your own ({_line(error)})"
            )
        case GoogleAPIError():
            reason = f"Pub/Sub does not do it: {_line(error)}"
        case redis.RedisError():
            reason = f"Redis does not answer: {_line(error)}"
        case SQLAlchemyError() if is_unavailable(error):
            reason = f"a database does not answer: {_line(error.__cause__ or error)}"
        case FileNotFoundError() | PermissionError():
            reason = f"{error.filename}: {error.strerror}"
    return reason


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LINE_MAX]
