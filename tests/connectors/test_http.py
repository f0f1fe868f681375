"""The client that reads platforms, against a real socket: tries, waits, limits, and GET alone."""

from __future__ import annotations

import ast
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.connectors.raw_server import Play, RawServer, answer, dripping, raw, raw_server, silence
from tests.servers.processes import ROOT
from webapp.platforms import http
from webapp.platforms.base import (
    AccessDenied,
    Asking,
    BadResponse,
    Call,
    ConnectorError,
    LastingToken,
    NotFound,
    Unavailable,
)
from webapp.platforms.http import Limits, Reader
from webapp.platforms.intercom import connector
from webapp.platforms.patience import PROGRESS, Patience
from webapp.queue.jobs import ANSWER, KINDS, RUN

TOKEN = "a-secret-token"
QUICK = Limits(connect_timeout=2, read_timeout=0.2, whole_timeout=100, max_bytes=10_000)
CLOCK = 1_000_000.0  # what the reader's clock says, Unix time


class Reading:
    """One reader and what it did: the calls it recorded, the waits it would have slept."""

    def __init__(self, url: str, limits: Limits = QUICK, token: object = None) -> None:
        self.calls: list[Call] = []
        self.waits: list[float] = []
        self.watched: list[Asking] = []
        self.reader = Reader(
            url,
            {"Accept": "application/json"},
            token or LastingToken(TOKEN),  # type: ignore[arg-type]
            platform="Intercom",
            denial=connector.denial,
            wait_hint=connector.wait_hint,
            record=self.calls.append,
            limits=limits,
            sleep=self.waits.append,
            now=lambda: CLOCK,
            watch=self.watched.append,
        )

    def get(self, path: str = "/admins") -> bytes:
        return self.reader.get_json(path)

    def statuses(self) -> list[int | None]:
        return [call.status for call in self.calls]


def failing(
    error: type[ConnectorError], *answers: Play, limits: Limits = QUICK
) -> tuple[str, Reading, RawServer]:
    """Read from a server that plays ``answers``, which must fail; the sentence, the reading, the server."""
    with raw_server(*answers) as server:
        reading = Reading(server.url, limits)
        with pytest.raises(error) as failure:
            reading.get()
    assert type(failure.value) is error
    assert TOKEN not in str(failure.value)
    return str(failure.value), reading, server


def reads(*answers: Play, limits: Limits = QUICK) -> tuple[bytes, Reading, RawServer]:
    with raw_server(*answers) as server:
        reading = Reading(server.url, limits)
        return reading.get(), reading, server


# ------------------------------------------------------------------ a good answer
def test_the_body_is_given_as_it_came_and_the_call_recorded() -> None:
    body, reading, server = reads(answer(body={"type": "admin.list"}))
    assert json.loads(body) == {"type": "admin.list"}
    assert server.header("Authorization") == f"Bearer {TOKEN}"
    (call,) = reading.calls
    assert (call.method, call.path, call.status, call.note) == ("GET", "/admins", 200, None)
    assert call.milliseconds >= 0
    assert call.at.tzinfo is not None


def test_a_compressed_answer_is_unpacked() -> None:
    content = json.dumps({"admins": ["x" * 50] * 50}).encode()
    body, _, _ = reads(answer(body=gzip.compress(content), Content_Encoding="gzip"))
    assert body == content


def test_an_answer_in_chunks_is_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    body, _, _ = reads(raw(head + b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'))
    assert json.loads(body) == {"a": 1}


# ------------------------------------------------------------------ tries and waits
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again_and_every_try_is_recorded(status: int) -> None:
    body, reading, _ = reads(answer(status), answer(status), answer(body={"good": True}))
    assert json.loads(body) == {"good": True}
    assert reading.statuses() == [status, status, 200]
    assert [1 <= reading.waits[0] <= 1.25, 2 <= reading.waits[1] <= 2.5] == [True, True]


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "asked us to slow down"), (500, "had a problem of its own"), (503, "had a problem of its own")],
)
def test_what_does_not_pass_is_given_up_after_four_tries(status: int, words: str) -> None:
    sentence, reading, server = failing(Unavailable, answer(status))
    assert words in sentence
    assert reading.statuses() == [status] * 4
    assert len(reading.waits) == 3
    assert server.asked() == ["GET /admins"] * 4


def test_an_answer_that_is_no_json_on_a_bad_status_is_tried_again_too() -> None:
    _, reading, _ = reads(answer(502, b"<html>Bad gateway</html>", content_type="text/html"), answer())
    assert reading.statuses() == [502, 200]


@pytest.mark.parametrize(
    ("status", "headers", "least"),
    [
        (429, {"Retry_After": "7"}, 7.0),
        (429, {"X_RateLimit_Reset": str(int(CLOCK) + 9)}, 9.0),
        (429, {"Retry_After": "7", "X_RateLimit_Reset": str(int(CLOCK) + 9)}, 7.0),
        (429, {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT", "X_RateLimit_Reset": str(int(CLOCK) + 9)}, 9.0),
        (429, {"X_RateLimit_Reset": str(int(CLOCK) - 30)}, 1.0),
        (429, {"Retry_After": "0"}, 1.0),
        (429, {"Retry_After": "-5"}, 1.0),
        (429, {"Retry_After": "nan"}, 1.0),
        (429, {"X_RateLimit_Reset": str(int(CLOCK) + 3600)}, 60.0),
        (503, {"Retry_After": "3"}, 3.0),
        (503, {"X_RateLimit_Reset": str(int(CLOCK) + 9)}, 1.0),
    ],
    ids=[
        "Retry-After", "end of the window", "Retry-After before the window", "a date is no number", "a window past",
        "zero", "negative", "not a number", "clocks that differ", "503 with Retry-After", "503 has no window",
    ],
)  # fmt: skip
def test_a_platform_is_given_the_time_it_asks_for(status: int, headers: dict[str, str], least: float) -> None:
    _, reading, _ = reads(answer(status, **headers), answer())
    (wait,) = reading.waits
    assert least <= wait <= least + min(1.0, least / 4)


@pytest.mark.parametrize("asked", ["61", "86400", "inf"])
def test_a_platform_that_asks_for_more_than_the_ceiling_ends_the_tries(asked: str) -> None:
    _, reading, _ = failing(Unavailable, answer(429, Retry_After=asked))
    assert (reading.statuses(), reading.waits) == ([429], [])


def test_a_wait_that_would_pass_the_end_of_the_whole_reading_ends_the_tries() -> None:
    _, reading, _ = failing(
        Unavailable, answer(429, Retry_After="30"), limits=replace(QUICK, whole_timeout=20)
    )
    assert (reading.statuses(), reading.waits) == ([429], [])


# ------------------------------------------------------------------ refusals
@pytest.mark.parametrize("status", [401, 403])
def test_B13_what_is_refused_once_is_asked_once_more_after_a_pause(status: int) -> None:
    body, reading, _ = reads(
        answer(status, {"type": "error.list", "errors": []}), answer(body={"good": True})
    )
    assert json.loads(body) == {"good": True}
    assert reading.statuses() == [status, 200]
    (wait,) = reading.waits
    assert wait >= QUICK.refusal_pause


@pytest.mark.parametrize("statuses", [(401, 401), (403, 403), (401, 403), (403, 401)])
def test_B13_what_is_refused_twice_is_refused(statuses: tuple[int, int]) -> None:
    refusals = [answer(status, {"type": "error.list", "errors": []}) for status in statuses]
    _, reading, _ = failing(AccessDenied, *refusals)
    assert reading.statuses() == list(statuses)
    assert len(reading.waits) == 1


def test_B13_a_refusal_among_other_troubles_is_still_asked_once_more() -> None:
    _, reading, _ = reads(answer(503), answer(403), answer(503), answer(body={"good": True}))
    assert reading.statuses() == [503, 403, 503, 200]


def test_a_token_that_can_be_renewed_is_renewed_once() -> None:
    class Renewing:
        values = ["old", "new"]  # noqa: RUF012 - of this test alone

        def current(self) -> str:
            return self.values[0]

        def renewed(self, refused: str) -> bool:
            if self.values == ["new"]:
                return False
            self.values.remove(refused)
            return True

    with raw_server(answer(401), answer(body={"good": True})) as server:
        reading = Reading(server.url, token=Renewing())
        assert json.loads(reading.get()) == {"good": True}
        assert [server.header("Authorization", number) for number in (0, 1)] == ["Bearer old", "Bearer new"]


def test_B13_a_token_is_renewed_once_and_its_successor_asked_once_more() -> None:
    class Renewing:
        number = 0

        def current(self) -> str:
            return f"token-{self.number}"

        def renewed(self, refused: str) -> bool:
            self.number += 1
            return True

    with raw_server(answer(401), answer(401), answer(body={"good": True})) as server:
        reading = Reading(server.url, token=Renewing())
        assert json.loads(reading.get()) == {"good": True}
        sent = [server.header("Authorization", number) for number in range(3)]
    assert sent == ["Bearer token-0", "Bearer token-1", "Bearer token-1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_so_the_token_goes_nowhere_else(status: int) -> None:
    with (
        raw_server(answer()) as elsewhere,
        raw_server(answer(status, Location=elsewhere.url + "/admins")) as server,
    ):
        reading = Reading(server.url)
        with pytest.raises(BadResponse) as failure:
            reading.get()
        assert elsewhere.requests == []
        assert "which we never follow" in str(failure.value)
        assert reading.statuses() == [status]


@pytest.mark.parametrize(
    ("status", "error"),
    [(204, BadResponse), (400, BadResponse), (404, NotFound), (406, BadResponse), (418, BadResponse)],
)
def test_an_answer_nobody_expects_is_not_tried_again(status: int, error: type[BadResponse]) -> None:
    sentence, reading, _ = failing(error, answer(status))
    assert f"HTTP {status}" in sentence
    assert reading.statuses() == [status]


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", None])
def test_an_answer_of_another_kind_is_not_believed(content_type: str | None) -> None:
    sentence, _, _ = failing(BadResponse, answer(content_type=content_type))
    assert sentence == "Intercom answered with something that is not data."


def test_an_answer_that_is_far_too_large_is_cut_off_and_not_tried_again() -> None:
    _, reading, _ = failing(BadResponse, answer(body=b'"' + b"x" * 20_000 + b'"'))
    assert reading.statuses() == [200]


def test_a_small_answer_that_unpacks_to_far_too_much_is_cut_off() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    failing(BadResponse, answer(body=bomb, Content_Encoding="gzip"))


# ------------------------------------------------------------------ broken and slow
def test_an_answer_that_breaks_off_is_tried_again_and_never_believed() -> None:
    whole = answer(body={"admins": [1, 2, 3]})
    body, reading, _ = reads(answer(body=b'{"admins": []}', announced=500), whole)
    assert json.loads(body) == {"admins": [1, 2, 3]}
    assert [call.note for call in reading.calls] == ["the answer broke off", None]
    sentence, reading, _ = failing(Unavailable, answer(body=b'{"admins": []}', announced=500))
    assert sentence == "Intercom broke off in the middle of its answer."
    assert reading.statuses() == [200] * 4


def test_chunks_that_break_off_are_never_believed() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    failing(Unavailable, raw(head + b'e\r\n{"admins": []}\r\n'))


def test_a_dropped_connection_is_tried_again() -> None:
    _, reading, _ = reads(raw(b""), answer())
    assert [(call.status, call.note) for call in reading.calls] == [(None, "no connection"), (200, None)]


def test_what_is_no_http_at_all_is_a_platform_out_of_reach() -> None:
    sentence, _, _ = failing(Unavailable, raw(b"220 mail.example.com ESMTP\r\n\r\n"))
    assert sentence == "Intercom could not be reached."


def test_nobody_listening_is_a_platform_out_of_reach() -> None:
    with raw_server(answer()) as server:
        url = server.url
    reading = Reading(url)
    with pytest.raises(Unavailable, match="could not be reached"):
        reading.get()
    assert reading.statuses() == [None] * 4


def test_silence_is_given_up_and_tried_again() -> None:
    sentence, reading, _ = failing(Unavailable, silence)
    assert sentence == "Intercom did not answer in time."
    assert [(call.status, call.note) for call in reading.calls] == [(None, "no answer in time")] * 4


def test_silence_in_the_middle_of_an_answer_is_given_up_and_tried_again() -> None:
    def half(connection: object) -> None:
        answer(body=b'{"admins": ', announced=500)(connection)  # type: ignore[arg-type]
        silence(connection)  # type: ignore[arg-type]

    _, reading, _ = failing(Unavailable, half)
    assert [(call.status, call.note) for call in reading.calls] == [(200, "no answer in time")] * 4


def test_an_answer_that_drips_for_ever_is_given_up_at_the_end_of_the_whole_reading() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    sentence, reading, _ = failing(
        Unavailable, dripping(head, b" ", 0.02), limits=replace(QUICK, whole_timeout=0.3)
    )
    assert sentence == "Intercom took too long to send its answer."
    assert reading.statuses() == [200]  # no time is left for another try


def test_B3_an_answer_of_which_nothing_of_use_arrives_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    sentence, reading, _ = failing(
        Unavailable, dripping(head, b" ", 0.02), limits=replace(QUICK, stall_timeout=0.3)
    )
    assert sentence == "Intercom took too long to send its answer."
    assert reading.statuses() == [200]


def reads_for_ever(reading: Reading) -> None:
    while True:
        reading.get()


def test_B3_a_list_of_many_pages_has_one_deadline_for_all_of_them() -> None:
    with raw_server(answer(body={"page": True})) as server:
        reading = Reading(server.url, replace(QUICK, whole_timeout=0.3))
        with pytest.raises(Unavailable, match="took too long to send its answer"):
            reads_for_ever(reading)
    assert set(reading.statuses()) == {200}


def test_B3_whoever_watches_is_told_of_each_page_and_each_pause() -> None:
    with raw_server(answer(), answer(429, Retry_After="7"), answer()) as server:
        reading = Reading(server.url)
        reading.get()
        reading.get()
    assert reading.watched == [Asking(1), Asking(2), Asking(2, pause=7.0), Asking(2)]


def test_the_reading_of_a_run_and_of_a_question_end_before_their_jobs_are_cut_off() -> None:
    limits = Limits()
    beyond = limits.connect_timeout + limits.read_timeout
    assert limits.stall_timeout < limits.whole_timeout
    assert limits.whole_timeout + beyond < KINDS[RUN].timeout * 0.6
    assert KINDS[ANSWER].timeout * 0.75 + beyond < KINDS[ANSWER].timeout


def test_B3_what_arrives_prolongs_the_time_but_not_without_end() -> None:
    clock = [0.0]
    patience = Patience(stall=120, whole=1800, clock=lambda: clock[0])
    patience.begin()
    clock[0] = 100.0
    assert patience.left() == 20
    assert not patience.arrived(PROGRESS - 1)
    assert patience.left() == 20
    assert patience.arrived(1)
    assert patience.left() == 120
    for clock[0] in range(200, 1800, 100):
        patience.arrived(PROGRESS)
    assert patience.left() == 1800 - clock[0]


# ------------------------------------------------------------------ GET and nothing else
def test_the_reader_has_one_method_and_it_gets() -> None:
    assert [name for name in vars(Reader) if not name.startswith("_")] == ["get_json"]


def test_nothing_in_a_connector_can_send_anything_but_get() -> None:
    """Of all the calls in the package one reaches the network: the reader's session.get. Connecting is apart."""
    sending = {
        "request",
        "post",
        "put",
        "patch",
        "delete",
        "options",
        "head",
        "send",
        "urlopen",
        "prepare_request",
    }
    sessions: list[str] = []
    reading = [
        path
        for path in sorted((ROOT / "webapp" / "platforms").rglob("*.py"))
        if path.stem not in ("oauth", "oauth_registry", "tokens")
    ]
    assert {"base.py", "http.py", "connector.py"} <= {path.name for path in reading}
    for path in reading:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in sending, f"{path.name}: .{node.attr}"
                if node.attr == "_session" and isinstance(node.ctx, ast.Load):
                    sessions.append(path.name)
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                network = modules & {
                    "requests",
                    "urllib3",
                    "httpx",
                    "http.client",
                    "urllib.request",
                    "socket",
                }
                assert not network or path == Path(http.__file__), f"{path.name}: {network}"
    source = Path(http.__file__).read_text()
    assert source.count("self._session.get(") == 1
    assert len(sessions) == 2  # the one GET, and trust_env switched off


def test_nothing_of_the_environment_adds_a_proxy_or_a_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    _, _, server = reads(answer())
    assert server.header("Authorization") == f"Bearer {TOKEN}"
