"""A good production environment, and the demo's."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from config import Settings, load_settings

KEY, OLD_KEY = (Fernet.generate_key().decode() for _ in range(2))  # one that stood here would be published
SECRET = secrets.token_urlsafe(48)


def production_environ(**changes: str | None) -> dict[str, str]:
    """A good production environment with ``changes``; ``None`` leaves a variable out."""
    environ: dict[str, str | None] = {
        "ROLLCALL_MODE": "production",
        "PUBLIC_URL": "https://rollcall.example.com",
        "SECRET_KEY": SECRET,
        "CREDENTIAL_KEYS": KEY,
        "DATABASE_URL": "postgresql://rollcall:quite-secret@db/rollcall?sslmode=verify-full",
        "REDIS_URL": "rediss://:quite-secret@queue:6379/0",
        "TRUSTED_PROXIES": "1",
        **changes,
    }
    return {name: value for name, value in environ.items() if value is not None}


def production(**changes: str | None) -> Settings:
    """The settings of :func:`production_environ`."""
    return load_settings(production_environ(**changes))


def demo(folder: Path, **environ: str) -> Settings:
    """The settings of a demo whose data are in ``folder``."""
    return load_settings({"ROLLCALL_MODE": "demo", "DATA_DIR": str(folder), **environ})
