"""Sending the records of every library and program to standard error, one a line."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from types import TracebackType

from config import log_format
from webapp.core.logs.rendering import formatter

log = logging.getLogger(__name__)


def init_logging(level: str = "INFO", environ: Mapping[str, str] = os.environ) -> None:
    """Send every record to standard error. Libraries below WARNING stay quiet; may be called again.

    What nothing has caught is a record as well. Raises ``SettingsError`` for a LOG_FORMAT that there is not.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(formatter(log_format(environ)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("webapp").setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """A record that cannot be written is said to be one; logging's own words for it hold the record's values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        try:
            lost = logging.makeLogRecord(
                {"name": record.name, "levelname": "ERROR", "levelno": logging.ERROR}
                | {"msg": "a record of %s:%s could not be written", "args": (record.pathname, record.lineno)}
            )
            self.stream.write(self.format(lost) + self.terminator)
            self.flush()
        except Exception:  # noqa: S110, BLE001 - a log that cannot be written never stops what it logs
            pass


def _uncaught(kind: type[BaseException], error: BaseException, story: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, story)
        return
    log.critical("ended by an error that nothing caught", exc_info=(kind, error, story))


def _uncaught_in_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        log.critical(
            "a thread ended by an error that nothing caught",
            exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback),
        )
