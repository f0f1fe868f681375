"""What the worker and the scheduler do: each job is one call, and the processes that carry them out.

Redis holds the names of these functions, so that none may move without its name staying.
It may import: everything but commands.
"""
