"""gunicorn's threaded worker, made safe from clients that are slow on purpose.

Its own threads read requests from sockets, so a few clients that send a byte now and then keep every thread, and the
web stands still. Here the loop that waits for connections collects requests (:mod:`webapp.web.server.arrival`), and a
thread gets one once it is whole, never its socket to read from. What a slow client costs is memory, which has a limit,
until its deadline.

In the environment: ``WEB_HEAD_SECONDS`` (10) from the first byte of a request to the end of its head,
``WEB_BODY_SECONDS`` (60) to the end of its body, ``WEB_SEND_SECONDS`` (30) that a client may take nothing of an answer.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import time
from functools import partial
from typing import Any

from gunicorn.http.unreader import IterUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from webapp.web.server.arrival import HEAD_END, LINE_END, Arrival, Stage

HEAD_SECONDS = int(os.environ.get("WEB_HEAD_SECONDS") or 10)
BODY_SECONDS = int(os.environ.get("WEB_BODY_SECONDS") or 60)
SEND_SECONDS = int(os.environ.get("WEB_SEND_SECONDS") or 30)
STOP_SECONDS = 2  # what is still arriving when the worker is told to stop
LINGER_SECONDS = 2  # after the last byte of an answer, for the client to close first (RFC 9112, section 9.6)
BODY_MAX = 1024 * 1024  # bytes; the product's own limit, so a longer body is refused without being read
HELD_MAX = 64 * 1024 * 1024  # bytes of requests that are not whole yet, in one worker
READ_AT_ONCE = 64 * 1024  # bytes
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Arriving:
    """A connection whose request is being collected."""

    def __init__(self, conn: TConn, arrival: Arrival, now: float) -> None:
        self.conn = conn
        self.arrival = arrival
        self.deadline = now + HEAD_SECONDS


class Worker(ThreadWorker):
    """Threads work whole requests; slow connections wait in the loop, each until its deadline."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[int, Arriving] = {}  # by file descriptor
        self._lingering: dict[int, tuple[socket.socket, float]] = {}
        self._held = 0  # bytes
        self._head_max = _head_max(self.cfg)

    def enqueue_req(self, conn: TConn) -> None:
        """A connection is new, or another request begins on it."""
        if (
            self.cfg.is_ssl
        ):  # it is the proxy that speaks TLS; whoever lets gunicorn do it has gunicorn's own worker
            super().enqueue_req(conn)
            return
        if conn.parser is None:
            conn.close = partial(self._close, conn)
            _limit_sending(conn.sock)
        conn.sock.setblocking(False)
        arrival = Arrival(self._head_max, BODY_MAX)
        one = self._arriving[conn.sock.fileno()] = Arriving(conn, arrival, time.monotonic())
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, one))
        if conn.parser is not None:  # read ahead with the request before
            self._add(one, conn.parser.unreader.take_buffered())
        if not arrival.whole:
            self._receive(one, conn.sock)

    def _receive(self, one: Arriving, sock: socket.socket) -> None:
        """Take what a connection has sent by now."""
        try:
            data = sock.recv(READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._add(one, data)
        else:
            self._drop(one)

    def _add(self, one: Arriving, data: bytes) -> None:
        arrival, before = one.arrival, one.arrival.stage
        arrival.add(data)
        self._held += len(data)
        if arrival.whole:
            self._hand_over(one)
        elif self._held > HELD_MAX:
            self._drop(one)
        elif arrival.stage is Stage.BODY and before is Stage.HEAD:
            one.deadline = time.monotonic() + BODY_SECONDS
            if arrival.expects_continue:
                _say(one.conn.sock, GO_ON)

    def _hand_over(self, one: Arriving) -> None:
        """A whole request: a thread parses it from what was collected, and from nothing else."""
        self._forget(one)
        conn = one.conn
        conn.init()
        conn.data_ready = True
        conn.is_cut = one.arrival.is_cut
        conn.parser.unreader = IterUnreader(one.arrival.taken())
        super().enqueue_req(conn)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request; the last one of its connection where the rest of its body was not waited for."""
        if getattr(conn, "is_cut", False):
            req.force_close()
        return super().handle_request(req, conn)

    def _drop(self, one: Arriving) -> None:
        self._forget(one)
        self.nr_conns -= 1
        one.conn.close()

    def _forget(self, one: Arriving) -> None:
        del self._arriving[one.conn.sock.fileno()]
        self._held -= len(one.arrival)
        self.poller.unregister(one.conn.sock)

    def murder_pending(self) -> None:
        """Once in each turn of the loop: close what is past its deadline."""
        super().murder_pending()
        now = time.monotonic()
        for one in list(self._arriving.values()):
            if not self.alive:
                one.deadline = min(one.deadline, now + STOP_SECONDS) if len(one.arrival) else now
            if one.deadline <= now:
                if len(one.arrival):
                    _say(one.conn.sock, TOO_SLOW)
                self._drop(one)
        for sock, deadline in list(self._lingering.values()):
            if deadline <= now or not self.alive:
                self._end(sock)

    def _close(self, conn: TConn, graceful: bool = False) -> None:
        """Close a connection; one that is closed gracefully lingers in the loop, which gunicorn would stop for it."""
        sock = conn.sock
        try:
            if graceful:
                sock.setblocking(False)
                sock.shutdown(socket.SHUT_WR)
            if not graceful or not self.alive:
                sock.close()
                return
            self.poller.register(sock, selectors.EVENT_READ, self._drain)
        except (OSError, ValueError):  # the client has gone
            sock.close()
            return
        self._lingering[sock.fileno()] = sock, time.monotonic() + LINGER_SECONDS

    def _drain(self, sock: socket.socket) -> None:
        """Take what a client still sends after its answer, until it closes: else the answer could be lost."""
        try:
            if sock.recv(READ_AT_ONCE):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._end(sock)

    def _end(self, sock: socket.socket) -> None:
        del self._lingering[sock.fileno()]
        self.poller.unregister(sock)
        sock.close()


def _head_max(cfg: Any) -> int:
    """So many bytes without the end of a head that gunicorn's parser is sure to refuse them, in bytes."""
    fields = cfg.limit_request_fields * (cfg.limit_request_field_size + len(LINE_END))
    return int(cfg.limit_request_line + fields + 2 * len(HEAD_END))


def _limit_sending(sock: socket.socket) -> None:
    """A thread that sends waits so long at most for the client to take something (socket(7), SO_SNDTIMEO)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))


def _say(sock: socket.socket, data: bytes) -> None:
    """Send a few bytes if that is possible at once."""
    with contextlib.suppress(OSError):
        sock.send(data)
