"""OAuth codes and tokens. Only their digests are stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sandbox.store import Store


@dataclass(frozen=True)
class Grant:
    """Who allowed which client to see which space (a workspace, an account), and how much of it."""

    client_id: str
    space: str
    person: str
    scope: str = ""


@dataclass(frozen=True)
class Code:
    """A code that was just used up. ``challenge`` is the S256 one that its verifier must fit, if any."""

    grant: Grant
    redirect_uri: str
    challenge: str | None


@dataclass(frozen=True)
class Token:
    """A token that is good now. ``number`` grows with every token handed out."""

    number: int
    grant: Grant
    expires_at: float | None


class Grants:
    """Times are Unix seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_code(
        self, code: str, grant: Grant, redirect_uri: str, expires_at: float, challenge: str | None = None
    ) -> None:
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO codes (digest, client_id, space, person, scope, redirect_uri, challenge, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest(code), grant.client_id, grant.space, grant.person, grant.scope),
                    *(redirect_uri, challenge, expires_at),
                ),
            )

    def redeem_code(self, code: str, client_id: str, now: float) -> Code | None:
        """Use the code up. None for one that is unknown, used, expired or of another client."""
        with self._store.writing() as connection:
            row = connection.execute(
                "DELETE FROM codes WHERE digest = ? AND client_id = ?"
                " RETURNING space, person, scope, redirect_uri, challenge, expires_at",
                (digest(code), client_id),
            ).fetchone()
            connection.execute("DELETE FROM codes WHERE expires_at < ?", (now,))
        if row is None or row[5] < now:
            return None
        return Code(Grant(client_id, row[0], row[1], row[2]), row[3], row[4])

    def add_token(
        self,
        token: str,
        grant: Grant,
        *,
        expires_at: float | None = None,
        refresh: str | None = None,
        refresh_expires_at: float | None = None,
    ) -> None:
        """A token that lasts, or one that ends and can be exchanged with ``refresh``."""
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO tokens"
                " (digest, client_id, space, person, scope, expires_at, refresh_digest, refresh_expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest(token), grant.client_id, grant.space, grant.person, grant.scope, expires_at),
                    *(digest(refresh) if refresh else None, refresh_expires_at),
                ),
            )

    def token(self, token: str, now: float) -> Token | None:
        """None for an unknown, ended or revoked one."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT number, client_id, space, person, scope, expires_at FROM tokens"
                " WHERE digest = ? AND NOT revoked AND (expires_at IS NULL OR expires_at > ?)",
                (digest(token), now),
            ).fetchone()
        return Token(row[0], Grant(*row[1:5]), row[5]) if row else None

    def exchange(self, refresh: str, client_id: str, now: float) -> Grant | None:
        """Use a refresh token up: it and its token end. None for one that is unknown, used or ended."""
        with self._store.writing() as connection:
            row = connection.execute(
                "UPDATE tokens SET revoked = 1 WHERE refresh_digest = ? AND client_id = ? AND NOT revoked"
                " AND refresh_expires_at > ? RETURNING space, person, scope",
                (digest(refresh), client_id, now),
            ).fetchone()
        return Grant(client_id, *row) if row else None

    def revoke(self, number: int) -> None:
        """Revoke one token for good."""
        with self._store.writing() as connection:
            connection.execute("UPDATE tokens SET revoked = 1 WHERE number = ?", (number,))

    def revoke_client(self, client_id: str, space: str) -> None:
        """Revoke all tokens of the client in the space: it was uninstalled there."""
        with self._store.writing() as connection:
            connection.execute(
                "UPDATE tokens SET revoked = 1 WHERE client_id = ? AND space = ?", (client_id, space)
            )

    def revoke_all(self, space: str | None = None) -> None:
        """Revoke every token and forget every code, of one space or of all."""
        with self._store.writing() as connection:
            connection.execute("UPDATE tokens SET revoked = 1 WHERE ?1 IS NULL OR space = ?1", (space,))
            connection.execute("DELETE FROM codes WHERE ?1 IS NULL OR space = ?1", (space,))


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
