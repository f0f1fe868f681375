"""``make run`` with the real programs: it is up when it says so, heals, ends cleanly and goes on later."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from redis import Redis

from tests.servers.ports import answers, port_run
from tests.servers.processes import ROOT, family, lives, start, wait_until
from tests.servers.redis import answers as redis_answers
from tests.servers.sandbox import healthy
from tests.servers.stack import READY, Stack, stack_environ, wait_until_ready

PROGRAMS = {
    "redis": "redis.sock",  # redis-server or valkey-server
    "sandbox": "-m sandbox intercom",
    "web": "gunicorn",
    "worker": "worker.py",
    "scheduler": "worker.py schedule",
}  # what is found in their command lines


def make_run(folder: Path, port: int, **changes: str) -> Stack:
    """``make run`` in a process group of its own, given out once it is ready."""
    data_dir = folder / "var"
    environ = stack_environ(port, data_dir, changes)
    log = folder / f"terminal-{len(list(folder.glob('terminal-*')))}"
    stack = Stack(port, data_dir, environ, start(["make", "run"], log, environ=environ))
    try:
        wait_until_ready(stack)
    except AssertionError:
        stack.program.stop()
        raise
    return stack


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    with port_run() as port:
        stack = make_run(folder, port)
        try:
            yield stack
        finally:
            stack.program.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("run")) as stack:
        yield stack


def find(stack: Stack, program: str) -> psutil.Process:
    """The main process of one of the programs: the first below the launcher that matches."""
    launcher = next(process for process in family(stack.program.pid) if "launch" in process.cmdline())
    for process in launcher.children():
        words = " ".join(process.cmdline())
        if PROGRAMS[program] in words and (program != "worker" or not words.endswith("schedule")):
            return process
    raise AssertionError(f"{program} does not run")


def test_all_is_up_when_it_says_so(stack: Stack) -> None:
    assert f"{READY} http://127.0.0.1:{stack.port}\n" in stack.program.said()
    assert healthy(stack.url)
    assert healthy(stack.sandbox_url)
    with Redis.from_url(stack.redis_url, decode_responses=True) as redis:
        pids = {redis.hget(key, "pid") for key in redis.smembers("rq:workers")}
        workers = {str(child.pid) for child in find(stack, "worker").children()}
        assert len(workers) == 4  # for the tick, for chores, and two for runs
        assert workers <= pids
        assert list(redis.scan_iter("rq:scheduler_instance:*"))


def test_it_says_what_it_is_at(stack: Stack) -> None:
    expected = [
        f"Starting Rollcall; data and logs are in {stack.data_dir}",
        "Preparing the database and the demo contract ...",
        "Starting web, worker and scheduler ...",
        f"{READY} http://127.0.0.1:{stack.port}",
    ]
    lines = stack.program.said().splitlines()
    assert lines[0] == expected[0]
    assert [line for line in lines if line in expected] == expected


def test_it_names_the_demo_accounts(stack: Stack) -> None:
    said = stack.program.said()
    for words in (
        "admin@demo.test",
        "manager@demo.test",
        "support@demo.test",
        "rollcall-demo-2026",
        "contract demo",
    ):
        assert words in said


def test_only_this_machine_can_reach_it(stack: Stack) -> None:
    listening = set()
    for process in family(stack.program.pid):
        with suppress(psutil.NoSuchProcess):  # a job's own process, which has ended
            connections = process.net_connections("tcp")
            listening |= {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_what_it_writes_is_private(stack: Stack) -> None:
    running = stack.data_dir / "running.json"
    assert running.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(running.read_text())) == {"mode", "port", "database_url", "redis_url"}
    path = Path(stack.redis_url.removeprefix("unix://"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert stack.data_dir.stat().st_mode & 0o077 == 0


def test_a_command_beside_it_finds_the_same_data(stack: Stack) -> None:
    ended = stack.flask("demo", "seed")
    assert ended.returncode == 0, ended


def test_A4_a_command_beside_it_needs_no_setting_but_the_folder(stack: Stack) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "sync", "status", "--json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(stack.data_dir)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended
    assert '"demo"' in ended.stdout


def test_the_access_log_has_no_query_strings(stack: Stack) -> None:
    log = stack.data_dir / "log" / "web.log"
    httpx.get(f"{stack.url}/healthz?code=do-not-log-this")
    wait_until(lambda: "method=GET path=/healthz status=200" in log.read_text())
    assert "do-not-log-this" not in log.read_text()


def test_a_request_of_two_lengths_is_refused_and_nothing_behind_it_is_read(stack: Stack) -> None:
    request = (
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_killed_comes_back(stack: Stack, program: str) -> None:
    old = find(stack, program)
    old.kill()

    def back() -> bool:
        try:
            up = healthy(stack.url) and healthy(stack.sandbox_url) and redis_answers(stack.redis_url)
            return find(stack, program).pid != old.pid and up
        except (AssertionError, psutil.NoSuchProcess):
            return False

    wait_until(back, 30, stack.program)
    assert stack.program.said().count(READY) == 1


def test_a_second_one_on_the_same_data_is_refused(stack: Stack, tmp_path: Path) -> None:
    with port_run() as port:
        environ = stack_environ(port, stack.data_dir, {})
        second = start(["make", "run"], tmp_path / "terminal", environ=environ)
        assert second.process.wait(30) != 0
    assert f"rollcall: another make run uses DATA_DIR {stack.data_dir}." in second.said()
    assert (stack.data_dir / "running.json").exists()
    assert healthy(stack.url)


@pytest.mark.parametrize(
    ("number", "to_group"),
    [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGKILL, True)],
    ids=["SIGTERM to make", "Ctrl-C", "SIGKILL to all"],
)
def test_nothing_is_left_and_the_next_one_goes_on(tmp_path: Path, number: int, to_group: bool) -> None:
    with port_run() as port:
        first = make_run(tmp_path, port)
        processes = family(first.program.pid)
        assert (
            len(processes) >= 9
        )  # make, launcher, guard, redis, sandbox, web and its two workers, worker, scheduler
        with closing(sqlite3.connect(first.data_dir / "rollcall.db")) as database, database:
            database.execute("UPDATE contracts SET name = 'Kept over the night' WHERE slug = 'demo'")
        (os.killpg if to_group else os.kill)(first.program.pid, number)
        wait_until(lambda: not any(lives(process) for process in processes), 30)
        assert not answers(port)
        assert not answers(port + 1)
        assert not (first.data_dir / "running.json").exists()

        for name, mode in (("", 0o755), ("rollcall.db", 0o644), ("log/web.log", 0o644)):
            (first.data_dir / name).chmod(mode)  # A17: as an earlier version has made them
        second = make_run(tmp_path, port)
        try:
            assert f"Others on this machine could look into {second.data_dir}, " in second.program.said()
            files = [second.data_dir, *second.data_dir.rglob("*")]
            assert [path for path in files if path.stat().st_mode & 0o077 and not path.is_socket()] == []
            with closing(sqlite3.connect(second.data_dir / "rollcall.db")) as database:
                names = database.execute("SELECT name FROM contracts WHERE slug = 'demo'").fetchall()
        finally:
            second.program.stop()
    assert names == [("Kept over the night",)]


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    with running(folder) as stack:
        path = Path(stack.redis_url.removeprefix("unix://"))
        assert not path.is_relative_to(folder)
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert stack.flask("demo", "seed").returncode == 0
    assert not path.parent.exists()
