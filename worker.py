"""The process beside the web: ``python worker.py`` works jobs, ``python worker.py schedule`` ticks."""

import sys

from webapp import create_app, logs, scheduler
from webapp.working import work

logs.init_logging()

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            work(create_app())
        case ["schedule"]:
            scheduler.serve(create_app())
        case _:
            sys.exit("Usage: python worker.py [schedule]")
