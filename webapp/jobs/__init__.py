"""What the worker and the scheduler do: each job is one call, and the processes that carry them out.

Redis holds the names of these functions, as ``webapp.jobs.run``: jobs that an earlier version put there must go on.
It may import: everything but commands and operations.
"""

from webapp.jobs.functions import answer, deliver_mail, deliver_webhooks, find_doubles, run, tick

__all__ = ["answer", "deliver_mail", "deliver_webhooks", "find_doubles", "run", "tick"]
