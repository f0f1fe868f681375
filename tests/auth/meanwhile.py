"""Something that happens while a password is being looked at."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from webapp.accounts.sign_in import passwords


def while_verifying(app: Flask, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let ``happens`` run once, on a connection of its own, right after the next password was found to fit or not."""
    real = passwords.verify

    def inside() -> None:
        with app.app_context():
            happens()

    def verify(password: str, stored: str | None) -> bool:
        fits = real(password, stored)
        monkeypatch.setattr(passwords, "verify", real)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(inside).result()
        return fits

    monkeypatch.setattr(passwords, "verify", verify)
