"""The consent page that every sandbox shows, and the way back from it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, make_response, render_template, request

LOOPBACK = ("127.0.0.1", "localhost", "::1")
NETLOC = re.compile(r"[a-z0-9.\[\]:-]+", re.IGNORECASE)  # host and port; nothing that means more in a policy
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{}; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def page(status: int, **context: object) -> Response:
    """consent.html with a strict policy that lets its form be redirected back.

    The template wants ``platform``, and either ``refusal`` (a sentence) or ``account``, ``person``, ``reads`` and
    ``fields`` (of the form, among them ``redirect_uri``).
    """
    address = request.values.get("redirect_uri", "")
    target = urlsplit(address) if "refusal" not in context else None
    back = f" {target.scheme}://{target.netloc}" if target else ""
    answer = make_response(render_template("consent.html", back=target and target.netloc, **context), status)
    answer.headers["Content-Security-Policy"] = POLICY.format(back)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = (
        "same-origin"  # the address holds the state; our form must send its Origin
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def may_return_to(address: str) -> bool:
    """Whether an app may have registered ``address``: https, or http on this machine."""
    try:
        target = urlsplit(address)
        host, _ = target.hostname, target.port
    except ValueError:
        return False
    if not host or not NETLOC.fullmatch(target.netloc):
        return False
    return target.scheme == "https" or (target.scheme == "http" and host in LOOPBACK)


def with_query(address: str, values: dict[str, str]) -> str:
    """``address`` with ``values`` added to its query."""
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])
    return urlunsplit(parts._replace(query=query))
