"""What gunicorn (``wsgi:serving()``) and the ``flask`` command (``create_app``, found by its name) load."""

import os
import sys

import click
from flask import Flask
from flask.cli import run_command

import webapp
from config import SettingsError
from settings_rules.private_data import UMASK
from webapp.core import logs
from webapp.operations.startup import ready_to_serve

try:
    logs.init_logging()
except SettingsError as error:
    sys.exit(str(error))
os.umask(UMASK)


def serving() -> Flask:
    """The application, once it may serve."""
    return ready_to_serve(_made(command=False))


def create_app() -> Flask:
    """The application for a command, which needs no settings beside a ``make run`` that lives."""
    context = click.get_current_context(silent=True)
    if context is not None and context.command is run_command:
        sys.exit(
            "flask run does not serve Rollcall. Start the demo with make run, or gunicorn as the README says."
        )
    return _made(command=True)


def _made(*, command: bool) -> Flask:
    try:
        return webapp.create_app(command=command)
    except SettingsError as error:
        sys.exit(str(error))
