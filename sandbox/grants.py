"""OAuth codes and tokens. Only their digests are stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sandbox.store import Store


@dataclass(frozen=True)
class Grant:
    """Who allowed which client to see which space (a workspace, an account)."""

    client_id: str
    space: str
    person: str


@dataclass(frozen=True)
class Token:
    """A token that is not revoked. ``number`` grows with every token handed out."""

    number: int
    grant: Grant


class Grants:
    """Times are Unix seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_code(self, code: str, grant: Grant, redirect_uri: str, expires_at: float) -> None:
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO codes (digest, client_id, space, person, redirect_uri, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (digest(code), grant.client_id, grant.space, grant.person, redirect_uri, expires_at),
            )

    def redeem_code(self, code: str, client_id: str, now: float) -> Grant | None:
        """Use the code up. None for one that is unknown, used, expired or of another client."""
        with self._store.writing() as connection:
            row = connection.execute(
                "DELETE FROM codes WHERE digest = ? AND client_id = ? RETURNING space, person, expires_at",
                (digest(code), client_id),
            ).fetchone()
            connection.execute("DELETE FROM codes WHERE expires_at < ?", (now,))
        if row is None or row[2] < now:
            return None
        return Grant(client_id, row[0], row[1])

    def add_token(self, token: str, grant: Grant) -> None:
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO tokens (digest, client_id, space, person) VALUES (?, ?, ?, ?)",
                (digest(token), grant.client_id, grant.space, grant.person),
            )

    def token(self, token: str) -> Token | None:
        """None for an unknown or revoked one."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT number, client_id, space, person FROM tokens WHERE digest = ? AND NOT revoked",
                (digest(token),),
            ).fetchone()
        return Token(row[0], Grant(*row[1:])) if row else None

    def newest_number(self) -> int:
        """The number of the newest token; 0 when there was none."""
        with self._store.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(number), 0) FROM tokens").fetchone()[0])

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

    def revoke_all(self) -> None:
        """Revoke every token and forget every code."""
        with self._store.writing() as connection:
            connection.execute("UPDATE tokens SET revoked = 1")
            connection.execute("DELETE FROM codes")


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
