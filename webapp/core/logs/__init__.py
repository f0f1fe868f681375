"""The one log of every program: one record a line, with IDs of what it is about and without anybody's data.

``setup`` sends all records through one formatter (``rendering``), which says of exceptions what ``stories`` lets
through; ``context`` holds the IDs of the request or the job, ``requests`` those of the web, ``web_server`` what
gunicorn says.
"""

from webapp.core.logs.context import bind, new_reference, scope
from webapp.core.logs.rendering import escape
from webapp.core.logs.setup import init_logging
from webapp.web.request_log import client_address, init_app

__all__ = ["bind", "client_address", "escape", "init_app", "init_logging", "new_reference", "scope"]
