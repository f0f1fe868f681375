"""What slow clients send before they go on a byte at a time."""

from __future__ import annotations

from tests.servers.web import request

OPENED = b'name="csrf_token"'
FORM = "Content-Type: application/x-www-form-urlencoded"
SLOW = {
    "silent": b"",
    "heads": b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "bodies": request("POST /sign-in", FORM, "Content-Length: 50", body=b"email="),
    "chunked bodies": request("POST /sign-in", FORM, "Transfer-Encoding: chunked", body=b"5\r\nem"),
    "too large bodies": request("POST /sign-in", FORM, "Content-Length: 2000000", body=b"email="),
    "answers that nobody closes": b"GET /sign-in HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
}
