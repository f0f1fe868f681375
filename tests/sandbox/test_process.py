"""The sandbox as a program: start, stop, restart, and how much memory it takes."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from tests.sandbox.caller import Caller
from tests.servers.local import HTTP
from tests.servers.ports import port_run
from tests.servers.processes import ROOT, running, wait_until
from tests.servers.sandbox import Sandbox, healthy, sandbox_server

MEMORY = 300 * 1024 * 1024  # bytes: the promise


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with these arguments, when it is not expected to stay."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_people_tokens_codes_and_the_workspace_survive_a_restart(tmp_path: Path) -> None:
    with sandbox_server("intercom", tmp_path) as sandbox:
        caller = Caller(sandbox)
        token, code = caller.token(), caller.consent()["code"]
        revoked = caller.token()
        caller.fault(path="/*", kind="revoke")
        token, code = caller.token(), caller.consent()["code"]
        gone, changed = caller.admins(token)[2:4]
        caller.control("DELETE", f"admins/{gone['id']}")
        caller.control("PATCH", f"admins/{changed['id']}", {"name": "Changed Name"})
        caller.control("PATCH", "workspace", {"id_code": "other1"})
        before, me = caller.admins(token), caller.get("/me", token).json()
    with sandbox_server("intercom", tmp_path) as sandbox:
        caller = Caller(sandbox)
        assert caller.admins(token) == before
        assert "Changed Name" in [admin["name"] for admin in before]
        assert caller.get("/me", token).json() == me
        assert caller.get("/me", revoked).status_code == 401
        assert caller.exchange(code).status_code == 200


def test_an_emptied_workspace_stays_empty(tmp_path: Path) -> None:
    with sandbox_server("intercom", tmp_path) as sandbox:
        Caller(sandbox).control("PUT", "admins", {"admins": []})
    with sandbox_server("intercom", tmp_path) as sandbox:
        caller = Caller(sandbox)
        assert caller.admins(caller.token()) == []


def test_sigterm_ends_it_at_once_though_connections_hang(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox()
    caller = Caller(sandbox)
    caller.control("POST", "generate", {"count": 5_000, "seed": 1})
    token = caller.token()
    caller.fault(path="/me", kind="hang")
    ended: list[type[Exception]] = []

    def wait_for_ever() -> None:
        try:
            httpx.get(f"{sandbox.url}/me", headers={"Authorization": f"Bearer {token}"}, timeout=None)
        except httpx.TransportError as error:
            ended.append(type(error))

    threads = [threading.Thread(target=wait_for_ever) for _ in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len([asked for asked in caller.asked() if asked["path"] == "/me"]) == 5)
    with closing(socket.create_connection(("127.0.0.1", sandbox.port), timeout=60)) as reader:
        request = f"GET /admins HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        reader.sendall(request.encode())
        assert reader.recv(100).startswith(b"HTTP/1.1 200")  # and it reads no further
        assert sandbox.program.stop(patience=15) == 0  # -9 would be the kill that follows when patience ends
    for thread in threads:
        thread.join(60)
    assert len(ended) == 5
    assert "Traceback" not in sandbox.program.said()


def test_it_listens_on_this_machine_alone(caller: Caller) -> None:
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(caller.sandbox.program.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_a_port_in_use_is_said_in_one_line(caller: Caller, tmp_path: Path) -> None:
    ended = run("intercom", "--port", str(caller.sandbox.port), "--data-dir", str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"sandbox: port {caller.sandbox.port} on 127.0.0.1 cannot be used")
    assert ended.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("in the way")
    with port_run() as port:
        ended = run("intercom", "--port", str(port), "--data-dir", str(taken))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"sandbox: the folder {taken} cannot be written")
    assert ended.stderr.count("\n") == 1


def test_data_of_another_version_of_the_sandbox_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite3").write_bytes(
        b"this is no database, and it is long enough to be seen as none" * 20
    )
    with port_run() as port:
        ended = run("intercom", "--port", str(port), "--data-dir", str(tmp_path))
    assert ended.returncode == 1
    assert "cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("intercom", "--data-dir", "x"),
        ("intercom", "--port", "1"),
        ("intercom", "--port", "0", "--data-dir", "x"),
        ("salesforce", "--port", "8001", "--data-dir", "x"),
        ("intercom", "--port", "8001", "--data-dir", "x", "--client-id", "only"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_another_client_and_default_version_can_be_chosen(tmp_path: Path) -> None:
    with port_run() as port:
        command = [
            *(sys.executable, "-m", "sandbox", "intercom", "--port", str(port), "--data-dir", str(tmp_path)),
            *("--client-id", "mine", "--client-secret", "my-secret", "--default-version", "2.13"),
        ]
        url = f"http://127.0.0.1:{port}"
        with running(command, tmp_path / "log", lambda: healthy(url)) as program:
            caller = Caller(Sandbox(url, port, program))
            code = caller.consent(client_id="mine")["code"]
            assert caller.exchange(code).status_code == 401
            answer = caller.exchange(code, client_id="mine", client_secret="my-secret")
            token = answer.json()["access_token"]
            assert "role" not in caller.get("/admins/991267400", token, None).json()
            assert "role" in caller.get("/admins/991267400", token, "2.16").json()


def test_a_default_version_that_is_none_is_said_in_one_line(tmp_path: Path) -> None:
    with port_run() as port:
        ended = run("intercom", "--port", str(port), "--data-dir", str(tmp_path), "--default-version", "3.0")
    assert ended.returncode == 1
    assert ended.stderr == "sandbox: Intercom has no version 3.0; the newest is 2.16\n"


def test_100_000_teammates_take_less_than_300_mb(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox()
    caller = Caller(sandbox)
    token = caller.token()
    assert caller.control("POST", "generate", {"count": 100_000, "seed": 1}) == {"count": 100_000}
    whole = caller.get("/admins", token, "2.16")
    assert whole.headers["Transfer-Encoding"] == "chunked"
    assert len(msgspec.json.decode(whole.content)["admins"]) == 100_000
    assert len(whole.content) > 30_000_000
    # An older version and avatars are made on the way.
    assert (
        len(msgspec.json.decode(caller.get("/admins?display_avatar=true", token, "2.9").content)["admins"])
        == 100_000
    )
    given = caller.call("GET", "/control/admins").content
    answer = HTTP.put(f"{sandbox.url}/control/admins", content=given)
    assert answer.json() == {"count": 100_000}
    status = Path(f"/proc/{sandbox.program.pid}/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < MEMORY
