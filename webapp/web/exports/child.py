"""The process that makes one long file and ends: ``python -m webapp.web.exports.child``.

The web (:mod:`webapp.web.exports.beside`) says on standard input what to make and takes the file from standard output.
That input stays open for as long as the file is wanted, so this process ends with whoever started it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import sys
import threading
from typing import Any, NoReturn

from settings_rules.private_data import UMASK
from webapp.core.database import engine_at
from webapp.core.logs import bind, init_logging
from webapp.core.spreadsheets.making import parts

log = logging.getLogger(__name__)

NICE = 5  # whoever waits for a page comes first, where the system lets us say so


def main() -> int:
    """Make the file. The exit code is 0 when all of it was written."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    os.umask(UMASK)
    signal.signal(signal.SIGTERM, _end)
    init_logging()
    url, form, source, reference = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the web that started this
    bind(request=reference)
    threading.Thread(target=_end_with_the_web, daemon=True).start()
    try:
        for part in parts(source, form, engine_at(url)):
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    except Exception:
        log.exception("a file could not be made")
        return 1
    return 0


def _end(_number: int, _frame: Any) -> NoReturn:
    sys.exit(1)  # through every block that removes what it made


def _end_with_the_web() -> None:
    """Wait until nobody wants the file any more."""
    with contextlib.suppress(OSError, ValueError):
        os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
