"""What the command line decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """``seed`` makes the default data; ``public_url`` (no final slash) is how clients reach this program.

    ``default_version`` is the API version of a request that names none; ``None`` is the platform's newest.
    """

    port: int
    data_dir: Path
    seed: int
    client_id: str
    client_secret: str
    public_url: str
    default_version: str | None = None


class StartError(Exception):
    """The sandbox cannot start. The text is one line for the person who started it."""
