"""A mail server, and the application that hands its mails over to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from tests.servers.mail import Mailbox, mail_server


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path, mailbox: Mailbox) -> config.Settings:
    """Settings with that mail server."""
    return config.test_settings(
        database_url=database_url, redis_url=redis_url, data_dir=tmp_path, mail=mailbox.settings
    )
