"""What every application of a test process would make in the same way is made once.

A test has an application of its own. Half of what that costs is compiling what another one has compiled before:
the templates, the code that builds URLs, and the SQL of statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest import mock

import sqlalchemy as sa
from werkzeug.routing import Rule

from webapp.models.base import db


@contextmanager
def shared_compilation() -> Iterator[None]:
    """Inside, applications share the builders of their URLs, and the compiled SQL for a kind of database."""
    with (
        mock.patch.object(Rule, "_compile_builder", _once_for_a_rule(Rule._compile_builder)),
        mock.patch.object(db, "_make_engine", _of_one_dialect(db._make_engine)),
    ):
        yield


def _once_for_a_rule(make: Callable[[Rule, bool], Any]) -> Callable[[Rule, bool], Any]:
    """A builder knows its rule by its first argument alone, so rules that read the same can share one."""
    made: dict[object, Any] = {}

    @wraps(make)
    def builder(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in made:
            made[key] = make(rule, append_unknown)
        return made[key]

    return builder


def _of_one_dialect(make: Callable[..., sa.Engine]) -> Callable[..., sa.Engine]:
    """Engines keep what they compiled under their dialect, and the dialect what it knows of types."""
    first: dict[str, sa.Engine] = {}

    @wraps(make)
    def engine(*args: Any, **options: Any) -> sa.Engine:
        made = make(*args, **options)
        pattern = first.setdefault(made.dialect.name, made)
        made.dialect = pattern.dialect
        made._compiled_cache = pattern._compiled_cache
        return made

    return engine
