"""What gunicorn says, in the one log: its own records, and one for each request."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gunicorn import glogging

from config import SettingsError
from webapp.core.logs.setup import init_logging


class Logger(glogging.Logger):
    """gunicorn's logger without handlers of its own, so that its records go where all others go."""

    def setup(self, cfg: Any) -> None:
        """Called at the start, before the application is loaded, and whenever the configuration is read anew."""
        super().setup(cfg)
        for own in (self.error_log, self.access_log):
            own.handlers.clear()
            own.propagate = True
        try:
            init_logging()
        except SettingsError as error:
            sys.exit(str(error))

    def access(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta) -> None:
        """One record a request. No query: OAuth's codes and people's searches do not belong in a log."""
        if not self.access_log_enabled:
            return
        path = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
        self.access_log.info(
            "request",
            extra={
                "method": environ.get("REQUEST_METHOD"),
                "path": path,
                "status": _status(resp.status),
                "bytes": getattr(resp, "sent", None),
                "milliseconds": request_time // timedelta(milliseconds=1),
                "address": environ.get("REMOTE_ADDR"),
            },
        )


def _status(status: str | int) -> int | None:
    first = str(status).partition(" ")[0]
    return int(first) if first.isdigit() else None
