"""The HTTP server: Werkzeug's, one process and a thread for each connection.

Faults need the raw socket and may keep any number of connections waiting, while the control interface must
still answer and the program must end at once. A pool of threads (gunicorn) could do neither when it is full.
"""

from __future__ import annotations

import signal
import socket
import threading

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.options import HOST, StartError

SIGNALS = (signal.SIGTERM, signal.SIGINT)
SILENT_CLIENT = 60.0  # seconds a connection may neither send nor take anything
BACKLOG = 512


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1. Raises :class:`StartError`."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(
            f"port {port} on {HOST} cannot be used ({error.strerror}); choose another with --port"
        ) from error
    return listener


class Handler(WSGIRequestHandler):
    """Logs method, path and status; a query may hold a code, so it is left out."""

    protocol_version = "HTTP/1.1"
    timeout = SILENT_CLIENT
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = str(getattr(self, "path", "")).split("?")[0]
        if path != "/healthz":
            print(self.command, path, int(code) if isinstance(code, int) else code, flush=True)

    def version_string(self) -> str:
        return "sandbox"


class Server:
    """Serves ``app`` on ``listener`` until a signal; then sets ``stopping``, so that nothing waits on."""

    def __init__(self, listener: socket.socket, app: Flask, stopping: threading.Event) -> None:
        port = listener.getsockname()[1]
        self._server = ThreadedWSGIServer(HOST, port, app, handler=Handler, fd=listener.fileno())
        self._listener = listener
        self._stopping = stopping

    def run(self) -> None:
        """Block until SIGTERM or SIGINT. Threads that still serve somebody end with the process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # inherited by every thread started from here on
        serving = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        serving.start()
        signal.sigwait(SIGNALS)
        self._stopping.set()
        self._server.shutdown()
        self._listener.close()
