"""The process beside the web: ``python worker.py`` works jobs, ``python worker.py schedule`` ticks."""

import sys

from flask import Flask

from config import SettingsError
from webapp import create_app, logs, scheduler
from webapp.serving import ready_to_serve
from webapp.working import work


def app() -> Flask:
    """The application, once it may serve."""
    try:
        logs.init_logging()
        return ready_to_serve(create_app())
    except SettingsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            work(app())
        case ["schedule"]:
            scheduler.serve(app())
        case _:
            sys.exit("Usage: python worker.py [schedule]")
