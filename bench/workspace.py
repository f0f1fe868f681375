"""The workspace at the sandbox: how many teammates it has, what they are called, and who consents."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from bench.programs import BenchError

SEED = 1
TIMEOUT = 300  # seconds


class Workspace:
    """Talks to the sandbox at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def generate(self, count: int) -> None:
        """Replace everybody by ``count`` made-up teammates."""
        self._control("POST", "generate", {"count": count, "seed": SEED})

    def rename(self, count: int) -> None:
        """Give ``count`` teammates, spread evenly over the list, another name."""
        admins = self._control("GET", "admins")["admins"]
        for number in range(count):
            admin = admins[number * len(admins) // count]
            self._control("PATCH", f"admins/{admin['id']}", {"name": f"Renamed {admin['name']}"})

    def consent(self, authorize_url: str) -> tuple[str, str]:
        """Press Allow on the consent page; the code and the state that come back."""
        page = self._session.get(authorize_url, timeout=TIMEOUT)
        form = _ConsentForm(page.text)
        answer = self._session.post(
            urljoin(page.url, form.action), data=form.values, timeout=TIMEOUT, allow_redirects=False
        )
        came_back = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        if "code" not in came_back:
            raise BenchError(f"The sandbox gave no code: HTTP {answer.status_code}")
        return came_back["code"][0], came_back["state"][0]

    def _control(self, method: str, path: str, content: object = None) -> Any:
        answer = self._session.request(method, f"{self.url}/control/{path}", json=content, timeout=TIMEOUT)
        if not answer.ok:
            raise BenchError(f"The sandbox answered HTTP {answer.status_code} to {method} /control/{path}")
        return answer.json() if answer.content else None


class _ConsentForm(HTMLParser):
    """The form on the page: where it goes, and what is sent when its button Allow is pressed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self._button: tuple[str, str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found.get("action", "")
        elif tag == "input" and found.get("type") == "hidden":
            self.values[found["name"]] = found.get("value", "")
        elif tag == "button" and "name" in found:
            self._button = (found["name"], found.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._button and data.strip().startswith("Allow"):
            self.values[self._button[0]] = self._button[1]

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._button = None
