"""Encryption of platform tokens at rest.

A token is stored as Fernet ciphertext of JSON that names the row it belongs to, so that ciphertext copied to
another row is refused. The newest of ``CREDENTIAL_KEYS`` encrypts, all of them decrypt.
"""

from __future__ import annotations

from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Flask, current_app

from config import Settings
from webapp.core.models import Integration


class CredentialsUnreadable(Exception):
    """Stored credentials cannot be decrypted, or belong to another row."""


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["credential_keys"] = MultiFernet([Fernet(key) for key in settings.credential_keys])


def seal(integration: Integration, token: dict[str, Any]) -> str:
    """``token`` encrypted for ``integration``, which must have its id."""
    return seal_for(_row(integration), token)


def unseal(integration: Integration) -> dict[str, Any]:
    """The token of ``integration``. Raises :class:`CredentialsUnreadable`."""
    return open_sealed(_row(integration), integration.credentials or "")


def seal_for(row: list[Any], token: dict[str, Any]) -> str:
    """``token`` encrypted for the row that ``row`` names."""
    return _keys().encrypt(msgspec.json.encode({"row": row, "token": token})).decode()


def open_sealed(row: list[Any], sealed: str) -> dict[str, Any]:
    """The token that was sealed for ``row``. Raises :class:`CredentialsUnreadable`."""
    try:
        content = msgspec.json.decode(_keys().decrypt(sealed.encode()))
    except InvalidToken as error:
        raise CredentialsUnreadable("the stored token cannot be decrypted with CREDENTIAL_KEYS") from error
    if content["row"] != row:
        raise CredentialsUnreadable("the stored token belongs to another row")
    token: dict[str, Any] = content["token"]
    return token


def reseal(sealed: str) -> str:
    """The same content under the newest key. Raises :class:`CredentialsUnreadable`."""
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise CredentialsUnreadable("the stored token cannot be decrypted with CREDENTIAL_KEYS") from error


def _keys() -> MultiFernet:
    keys: MultiFernet = current_app.extensions["credential_keys"]
    return keys


def _row(integration: Integration) -> list[Any]:
    return [integration.contract_id, integration.id, integration.platform]
