"""A product upon one SQLite file, with keys that a test knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.fernet import Fernet
from flask import Flask

import config
import webapp
from webapp.core.models import db


@pytest.fixture
def database(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


class Product:
    """The product upon ``settings``, started and stopped as often as a test asks for it."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings

    @contextmanager
    def running(self, **changes: object) -> Iterator[Flask]:
        """The application in a context of its own; every connection to the database is closed afterwards."""
        app = webapp.create_app(replace(self.settings, **changes))  # type: ignore[arg-type]
        with app.app_context():
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()

    def flask(self, *words: str | Path, **changes: object) -> Result:
        """What ``flask WORDS`` says, in a process with nothing else open."""
        app = webapp.create_app(replace(self.settings, **changes))  # type: ignore[arg-type]
        result = app.test_cli_runner().invoke(args=[str(word) for word in words])
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        return result


@pytest.fixture
def product(sqlite_url: str, redis_url: str, tmp_path: Path) -> Product:
    keys = (Fernet.generate_key().decode(),)
    return Product(
        config.test_settings(
            database_url=sqlite_url, redis_url=redis_url, data_dir=tmp_path, credential_keys=keys
        )
    )
