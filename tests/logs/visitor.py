"""Somebody with a browser of their own at a running Rollcall: forms are filled in and sent over the network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.actors import CSRF
from tests.users.pages import Page, page_of


@dataclass
class Visitor:
    """A browser at ``url``. ``seen`` is what must be in no log: its cookies and the secrets in its forms."""

    url: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))
    seen: set[str] = field(default_factory=set)

    @property
    def client(self) -> Visitor:
        """What forms are sent with."""
        return self

    def get(self, path: str) -> Any:
        return self._answer(self.http.get(self._at(path)))

    def post(self, path: str, data: dict[str, Any], **more: Any) -> Any:
        return self._answer(self.http.post(self._at(path), data=data, **more))

    def page(self, path: str) -> Page:
        return page_of(self, self.get(path))  # type: ignore[arg-type]

    def send(self, path: str, **values: Any) -> Any:
        """A form sent with this browser's own anti-forgery token."""
        return self.post(path, {"csrf_token": self.token(), **values})

    def token(self) -> str:
        found = CSRF.findall(self.get("/nothing-here").text) or CSRF.findall(self.get("/sign-in").text)
        return str(found[0])

    def sign_in(self, email: str, password: str) -> Any:
        self.seen.add(password)
        return self.send("/sign-in", email=email, password=password)

    def _at(self, path: str) -> str:
        parts = urlsplit(path)
        return self.url + parts.path + (f"?{parts.query}" if parts.query else "")

    def _answer(self, answer: httpx.Response) -> Any:
        self.seen.update(value for value in self.http.cookies.values() if value)
        self.seen.update(re.findall(CSRF, answer.text))
        return SimpleNamespace(
            status_code=answer.status_code,
            location=answer.headers.get("Location", ""),
            text=answer.text,
            headers=answer.headers,
            request=SimpleNamespace(path=answer.request.url.path),
        )
