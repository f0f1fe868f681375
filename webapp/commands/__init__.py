"""The commands of ``flask``, one module a subject."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from webapp.commands import account_changes, backup, contract, credentials, database, demo, sync

    for module in (account_changes, contract, credentials, database, demo, sync):
        app.cli.add_command(module.group)
    for command in backup.ALL:
        app.cli.add_command(command)
