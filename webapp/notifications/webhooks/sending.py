"""One POST to a webhook: to the network address that was checked, without redirects, within seconds."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping

from webapp.notifications.webhooks.addresses import Target

SILENCE = 10.0  # seconds for connecting, and between two bytes
WHOLE = 20.0  # seconds for all of it
READ_MAX = 4096  # bytes of the answer that are read, and forgotten


class NotDelivered(Exception):
    """No answer came; the text says why."""


def post(target: Target, address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send ``body`` to ``target`` at the network address ``address``; the status of the answer.

    Raises :class:`NotDelivered`.
    """
    connection = _Pinned(target, address)
    watch = threading.Timer(WHOLE, connection.cut)
    watch.start()
    try:
        connection.request("POST", target.path, body, {"Host": target.host_header, **headers})
        answer = connection.getresponse()
        answer.read(READ_MAX)
        return answer.status
    except ssl.SSLCertVerificationError as error:
        raise NotDelivered("The certificate of the receiver is not valid.") from error
    except TimeoutError as error:
        raise NotDelivered("The receiver did not answer in time.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = "The receiver took too long." if connection.is_cut else "The receiver could not be reached."
        raise NotDelivered(reason) from error
    finally:
        watch.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to a network address that was looked up before, whatever the name says by now."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=SILENCE)
        self._target = target
        self._address = address
        self.is_cut = False

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self._target.port), timeout=SILENCE)
        self.sock = plain
        if self._target.secure:
            context = ssl.create_default_context()
            secured = context.wrap_socket(
                plain, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self.sock = secured  # before the handshake, so that it can be cut as well
            secured.do_handshake()

    def cut(self) -> None:
        """End it from another thread: who sends a byte every few seconds does not keep a worker."""
        self.is_cut = True
        found = self.sock
        if found is not None:
            try:
                found.shutdown(socket.SHUT_RDWR)
            except OSError:
                found.close()
