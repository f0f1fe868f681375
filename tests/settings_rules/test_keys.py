"""Keys that can be guessed or read somewhere start nothing; what a generator makes always does."""

from __future__ import annotations

import base64
import re
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import config
from config import SettingsError
from settings_rules import keys
from tests.servers.processes import ROOT
from tests.settings_rules.environ import KEY, SECRET, production

GENERATORS: dict[str, Callable[[], str]] = {
    "secrets.token_urlsafe(48)": lambda: secrets.token_urlsafe(48),
    "secrets.token_urlsafe(32)": lambda: secrets.token_urlsafe(32),
    "openssl rand -hex 32": lambda: secrets.token_hex(32),
    "head -c 32 /dev/urandom | base64": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "openssl rand -base64 48": lambda: base64.b64encode(secrets.token_bytes(48)).decode(),
}


def fernet(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


@pytest.mark.parametrize("name", list(GENERATORS))
def test_a_key_that_a_generator_made_is_taken(name: str) -> None:
    for _ in range(200):
        assert keys.secret_key(GENERATORS[name]())


def test_a_fernet_key_that_a_generator_made_is_taken() -> None:
    keys.refuse_weak_fernet_keys(tuple(fernet(secrets.token_bytes(32)) for _ in range(5000)))


@pytest.mark.parametrize("command", [keys.MAKE_SECRET_KEY, keys.MAKE_FERNET_KEY])
def test_the_command_that_is_named_makes_a_good_one(command: str) -> None:
    made = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.strip()
    production(**{"SECRET_KEY" if command == keys.MAKE_SECRET_KEY else "CREDENTIAL_KEYS": made})


@pytest.mark.parametrize(
    "secret",
    [
        "dev",
        "changeme",
        "short-but-r4ndom",
        "x" * 64,
        "0123456789" * 4,
        "00" * 32,
        "deadbeef" * 8,
        "1234567890abcdef1234567890abcdef",
        "0123456789abcdef0123456789ABCDEF",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
        "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "correct horse battery staple correct horse",
        "correct-horse-battery-staple-correct-horse",
        "the quick brown fox jumps over the lazy dog, twice",
        "P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rd1234",
        "my-very-long-production-signing-key-2026",
        "django-insecure-key-please-change-me-now-1",
        "secret-key-of-rollcall-in-production",
        "test-settings-have-one-that-is-long-enough",
    ],
)
def test_A10_a_secret_key_that_can_be_guessed_starts_nothing(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEY is missing or weak") as refused:
        production(SECRET_KEY=secret)
    assert secret not in str(refused.value) or len(secret) < 10
    assert "Make one with: python3 -c" in str(refused.value)


def test_A10_a_good_key_behind_a_placeholder_is_none() -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEY is missing or weak"):
        production(SECRET_KEY="changeme-" + SECRET)


@pytest.mark.parametrize(
    "key",
    [
        bytes(32),
        b"\xff" * 32,
        b"\0" * 31 + b"\1",
        bytes(range(32)),
        bytes(range(255, 223, -1)),
        bytes(range(0, 96, 3)),
        bytes(range(16)) * 2,
        b"a phrase that somebody has typed",
        b"4f1c9a7be2d058364f1c9a7be2d05836",
    ],
    ids=["zeros", "ones", "a one", "upwards", "downwards", "by three", "twice", "a phrase", "hex digits"],
)
@pytest.mark.parametrize("before", ["", f"{KEY},"], ids=["alone", "behind a good one"])
def test_A10_a_credential_key_that_can_be_guessed_starts_nothing(key: bytes, before: str) -> None:
    with pytest.raises(SettingsError, match=r"^CREDENTIAL_KEYS holds a key that can be guessed") as refused:
        production(CREDENTIAL_KEYS=before + fernet(key))
    assert fernet(key) not in str(refused.value)
    assert "python3 -c" in str(refused.value)


def test_A10_no_key_that_stands_in_any_file_starts_production() -> None:
    """Of the sources, the documents and the tests; those of the history are in the list by their digests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name.endswith((".py", ".md", ".env", ".yml"))]
    found = {
        key
        for path in files or ROOT.glob("*.py")
        if path.is_file()
        for key in re.findall(r"(?<![\w=/+-])[A-Za-z0-9_-]{43}=(?![\w=])", path.read_text(encoding="utf-8"))
    }
    test_mode = config.test_settings(database_url="sqlite:///x", redis_url="", data_dir=Path())
    assert test_mode.credential_keys[0] in found
    for key in found:
        with pytest.raises(SettingsError, match=r"^CREDENTIAL_KEYS "):
            production(CREDENTIAL_KEYS=key)
        with pytest.raises(SettingsError, match=r"^SECRET_KEY "):
            production(SECRET_KEY=key)
    for secret in (test_mode.secret_key, "6pV2mQx9-LrT4wZ8sKd1nHf7cJb3gYa5eUoIq0"):
        for spelled in (secret, f"prod {secret}", f"{secret}\n"):
            with pytest.raises(SettingsError, match=r"^SECRET_KEY "):
                production(SECRET_KEY=spelled)


@pytest.mark.parametrize("platform", ["INTERCOM", "ZENDESK"])
def test_A10_the_sandboxs_client_starts_nothing(platform: str) -> None:
    for client, secret in (
        ("rollcall-sandbox", "their-own-secret"),
        ("their-own-client", "rollcall-sandbox-secret"),
        ("rollcall-sandbox", "rollcall-sandbox-secret"),
    ):
        with pytest.raises(
            SettingsError, match=rf"^{platform}_CLIENT_ID and {platform}_CLIENT_SECRET are those of the"
        ):
            production(**{f"{platform}_CLIENT_ID": client, f"{platform}_CLIENT_SECRET": secret})


@pytest.mark.parametrize("missing", ["ID", "SECRET"])
def test_half_a_client_is_said_to_be_half(missing: str) -> None:
    with pytest.raises(SettingsError, match=r"^Set both ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET"):
        production(**{f"ZENDESK_CLIENT_{part}": "mine" for part in ("ID", "SECRET") if part != missing})


def test_judging_a_key_takes_bounded_work() -> None:
    assert keys.bits("aB3-" * 100_000) < keys.ENOUGH  # the first 256 characters are looked at
