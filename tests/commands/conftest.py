"""Running the ``flask`` commands inside this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code and what it wrote to each stream."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    @property
    def refusal(self) -> str:
        """The one sentence of a command that failed."""
        assert self.code == 1, (self.out, self.err)
        assert self.out == ""
        assert self.err.startswith("Error: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("Error: ").strip()


Flasks = Callable[..., Ended]


@pytest.fixture
def flask(app: Flask) -> Flasks:
    """``flask("contract", "list")`` runs a command; ``typed`` is what it gets on standard input."""

    def run(*words: str, typed: str | None = None) -> Ended:
        ended = app.test_cli_runner().invoke(args=list(words), input=typed)
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exc_info
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run
