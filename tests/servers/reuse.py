"""What every application of a test process would make in the same way is made once.

A test has an application of its own. Half of what that costs is compiling what another one has compiled before:
the templates, the rules of URLs, and the SQL of statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar
from unittest import mock

import sqlalchemy as sa
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule
from werkzeug.routing import map as map_module
from werkzeug.routing.matcher import State, StateMachineMatcher

from webapp.core.models.base import db


@contextmanager
def shared_compilation() -> Iterator[None]:
    """Inside, applications share what is compiled of their URLs, and the compiled SQL for a kind of database."""
    with (
        mock.patch.object(Rule, "compile", _compiled_once(Rule.compile)),
        mock.patch.object(map_module, "StateMachineMatcher", _Matcher),
        mock.patch.object(db, "_make_engine", _of_one_dialect(db._make_engine)),
    ):
        yield


class CompiledTemplates(BytecodeCache):
    """Keeps what templates were compiled to in memory."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._made.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._made[bucket.key, bucket.checksum] = bucket.code


def _compiled_once(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    """Rules that read the same are compiled to the same."""
    made: dict[object, Rule] = {}

    @wraps(compile_rule)
    def compiled(rule: Rule) -> None:
        pattern = made.setdefault(_read(rule), rule)
        if pattern is rule:
            compile_rule(rule)
            return
        rule._parts, rule._trace, rule._converters = pattern._parts, pattern._trace, pattern._converters
        rule.arguments = set(pattern.arguments)
        rule._build = pattern._build.__func__.__get__(rule, None)
        rule._build_unknown = pattern._build_unknown.__func__.__get__(rule, None)

    return compiled


def _read(rule: Rule) -> tuple[object, ...]:
    assert rule.map is not None
    return (
        rule.rule,
        rule.subdomain,
        rule.host,
        repr(rule.defaults),
        rule.merge_slashes,
        rule.map.host_matching,
    )


class _Matcher(StateMachineMatcher):
    """Finds its way once it is asked to; applications that have the same rules in the same order share theirs."""

    _made: ClassVar[dict[object, State]] = {}

    def __init__(self, merge_slashes: bool) -> None:
        super().__init__(merge_slashes)
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        self._rules.append(rule)

    def update(self) -> None:
        key = (
            self.merge_slashes,
            *(
                (
                    *_read(rule),
                    rule.endpoint,
                    frozenset(rule.methods or ()),
                    rule.strict_slashes,
                    rule.websocket,
                )
                for rule in self._rules
            ),
        )
        if key not in self._made:
            self._root = State()
            for rule in self._rules:
                super().add(rule)
            super().update()
            self._made[key] = self._root
        self._root = self._made[key]


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
