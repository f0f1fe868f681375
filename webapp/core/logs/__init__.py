"""The one log of every program: one record a line, with IDs of what it is about and without anybody's data.

``setup`` sends all records through one formatter (``rendering``), which says of exceptions what ``stories`` lets
through; ``context`` holds the IDs of the request or the job.
"""

from webapp.core.logs.context import bind, new_reference, scope
from webapp.core.logs.rendering import escape
from webapp.core.logs.setup import init_logging

__all__ = ["bind", "escape", "init_logging", "new_reference", "scope"]
