"""Tokens of mailed links: 256 bits, and the hash by which the database knows one."""

from __future__ import annotations

import hashlib
import secrets


def new(purpose: str) -> tuple[str, str]:
    """A token for a link and its hash."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(purpose, token)


def hash_of(purpose: str, token: str) -> str:
    """The hash of ``token`` as one for ``purpose``, so that it opens nothing else."""
    return hashlib.sha256(f"{purpose}\n{token}".encode()).hexdigest()
