"""The process beside the web: ``python worker.py`` works jobs, ``python worker.py schedule`` ticks."""

import os
import sys

from flask import Flask

from config import SettingsError
from settings_rules.private_data import UMASK
from webapp import create_app
from webapp.core import logs
from webapp.jobs import crew, scheduler
from webapp.operations.startup import ready_to_serve

os.umask(UMASK)


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
            crew.serve(app())
        case ["schedule"]:
            scheduler.serve(app())
        case _:
            sys.exit("Usage: python worker.py [schedule]")
