"""What wakes workers: the queues in Redis, which jobs may be in them, and what a run says while it waits.

The database says what there is to do; nothing is believed that Redis says.
It may import: platforms and core.
"""
