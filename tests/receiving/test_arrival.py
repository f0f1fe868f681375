"""When a request is whole, however it is cut on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.web.server.arrival import Arrival, Stage

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def arrival(*pieces: bytes, head_max: int = 500, body_max: int = 500) -> Arrival:
    found = Arrival(head_max, body_max)
    for piece in pieces:
        found.add(piece)
    return found


def chunked(parts: list[bytes], trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return CHUNKED + body + b"0\r\n" + trailer + b"\r\n"


bodies = st.binary(max_size=200)
whole_requests = st.one_of(
    st.just(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    bodies.map(lambda body: HEAD + b"content-LENGTH: %d\r\n\r\n%s" % (len(body), body)),
    st.builds(
        chunked, st.lists(st.binary(max_size=40), max_size=5), st.sampled_from([b"", b"A: b\r\nC: d\r\n"])
    ),
)


@given(whole_requests, st.lists(st.integers(0, 400), max_size=6))
def test_a_request_is_whole_with_its_last_byte_and_not_before(sent: bytes, cuts: list[int]) -> None:
    found = Arrival(500, 500)
    places = sorted({cut for cut in cuts if cut < len(sent)} | {len(sent) - 1})
    for begin, end in zip([0, *places], places, strict=False):
        found.add(sent[begin:end])
    assert not found.whole
    found.add(sent[-1:])
    assert found.whole
    assert found.taken() == [sent]


def test_what_follows_a_request_is_kept_with_it() -> None:
    two = b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"
    assert arrival(two).taken() == [two]


@pytest.mark.parametrize(
    "sent",
    [
        b"x" * 501,
        HEAD + b"Content-Length: 501\r\n\r\n",
        HEAD + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-5\r\n",
        CHUNKED + b"1_0\r\n",
        CHUNKED + b"5;" + b"x" * 2000,
        CHUNKED + b"fff\r\n" + b"x" * 501,
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 500,
    ],
)
def test_there_is_nothing_to_wait_for_before_it_is_refused(sent: bytes) -> None:
    assert arrival(sent).whole


@pytest.mark.parametrize(
    ("sent", "cut"),
    [
        (HEAD + b"\r\n", False),
        (HEAD + b"Content-Length: 0\r\n\r\n", False),
        (HEAD + b"Content-Length: 5\r\n\r\nabcde", False),
        (CHUNKED + b"1\r\na\r\n0\r\n\r\n", False),
        (HEAD + b"Content-Length: 501\r\n\r\nabcde", True),
        (HEAD + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n", True),
        (CHUNKED + b"fff\r\n" + b"x" * 501, True),
    ],
)
def test_what_was_not_waited_for_is_told(sent: bytes, cut: bool) -> None:
    assert (arrival(sent).whole, arrival(sent).is_cut) == (True, cut)


def test_a_chunk_has_a_size_in_plain_digits() -> None:
    assert arrival(CHUNKED + b"0x1\r\n").is_cut is False  # no chunk: the parser refuses it


@pytest.mark.parametrize(("field", "expected"), [("Expect: 100-Continue", True), ("Expect: other", False)])
def test_who_waits_for_leave_to_send_a_body_is_known(field: str, expected: bool) -> None:
    found = arrival(HEAD + f"Content-Length: 5\r\n{field}\r\n\r\n".encode())
    assert (found.stage, found.expects_continue) == (Stage.BODY, expected)


def test_a_body_that_will_be_refused_is_not_asked_for() -> None:
    assert not arrival(HEAD + b"Content-Length: 900\r\nExpect: 100-continue\r\n\r\n").expects_continue
