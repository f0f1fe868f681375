"""What every area stands on: tables, the database, permissions, the audit log, the queue, logs and texts.

It knows no other area and no Flask request.
It may import: nothing of webapp but itself.
"""
