"""The proxies in front of us: what they say is believed, and a number of them that does not fit is told in the log."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

log = logging.getLogger(__name__)

BARE_REQUESTS = 20  # that come first and carry no word of a proxy: then there is none, or it does not say
PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7")
)
CONSEQUENCE = "Wrong sign-ins are counted by that address."
# What does not fit, by a word for it; no address is told, since it is somebody's.
WORDS = {
    "unasked": "a request carries {header}, and TRUSTED_PROXIES is 0: everybody behind a proxy counts as the proxy. "
    f"{CONSEQUENCE} Set TRUSTED_PROXIES to the number of proxies in front (1 for one nginx or Caddy). If there is "
    "none, somebody sent that header by hand; it is not believed.",
    "other_header": "a request carries Forwarded and no X-Forwarded-For, and only the latter is read. "
    f"{CONSEQUENCE} Have the proxy in front send X-Forwarded-For.",
    "too_few": "a request carries {found} addresses in X-Forwarded-For, and TRUSTED_PROXIES is {proxies}: its own "
    f"address is taken in their place. {CONSEQUENCE} Set TRUSTED_PROXIES to the number of proxies that add to it.",
    "too_many": "the address that TRUSTED_PROXIES={proxies} gives is one of a private network, and X-Forwarded-For has "
    f"another before it. {CONSEQUENCE} If one more proxy is in front, set TRUSTED_PROXIES to {{more}}.",
    "silent": "TRUSTED_PROXIES is {proxies}, and none of the first {bare} requests carried X-Forwarded-For. "
    f"Everybody behind a proxy that does not send it counts as the proxy. {CONSEQUENCE} Have the proxy send it, as the "
    "files in deploy/ do; if there is none, set TRUSTED_PROXIES to 0, because whoever asks now may name any address.",
}

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def init_app(app: Flask, count: int) -> None:
    """Take the client's address and scheme from what the last ``count`` proxies say, and from nobody else."""
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    app.wsgi_app = Watched(app.wsgi_app, count)  # type: ignore[method-assign]


class Watched:
    """Says once for each process, and for each way in which the number of proxies does not fit, that it does not."""

    def __init__(self, inner: Wsgi, proxies: int) -> None:
        self._inner = inner
        self._proxies = proxies
        self._said: set[str] = set()
        self._bare: int | None = 0 if proxies else None  # requests so far; None once that is settled
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ:
            self._bare = None
            if len(self._said) < len(WORDS):
                self._look(environ)
        elif self._bare is not None and not environ.get("PATH_INFO", "").startswith("/healthz"):
            self._count_bare()  # monitors ask without the proxy
        return self._inner(environ, start_response)

    def _count_bare(self) -> None:
        with self._lock:
            if self._bare is None:
                return
            self._bare += 1
            if self._bare < BARE_REQUESTS:
                return
            self._bare = None
        log.warning(WORDS["silent"].format(proxies=self._proxies, bare=BARE_REQUESTS))

    def _look(self, environ: dict[str, Any]) -> None:
        addresses = [
            part.strip() for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
        ]
        wrong = what_is_wrong(addresses, self._proxies)
        with self._lock:
            if wrong is None or wrong in self._said:
                return
            self._said.add(wrong)
        header = "X-Forwarded-For" if addresses else "Forwarded"
        log.warning(
            WORDS[wrong].format(
                header=header, found=len(addresses), proxies=self._proxies, more=self._proxies + 1
            )
        )


def what_is_wrong(addresses: list[str], proxies: int) -> str | None:
    """The word of :data:`WORDS` for ``addresses`` of X-Forwarded-For, or ``None`` when they fit.

    Without any the request carries Forwarded alone.
    """
    if proxies == 0:
        return "unasked"
    if not addresses:
        return "other_header"
    if len(addresses) < proxies:
        return "too_few"
    if (
        len(addresses) > proxies
        and _is_private(addresses[-proxies])
        and not _is_private(addresses[-proxies - 1])
    ):
        return "too_many"
    return None


def _is_private(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in PRIVATE)
