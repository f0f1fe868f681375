"""A client of the Intercom sandbox, as an app would be one: over the socket, with nothing known of its inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.servers.local import HTTP
from tests.servers.sandbox import Sandbox

CLIENT = {"client_id": "rollcall-sandbox", "client_secret": "rollcall-sandbox-secret"}
RETURN = "http://127.0.0.1:8000/back"


@dataclass
class Caller:
    """Calls the sandbox at ``sandbox``."""

    sandbox: Sandbox

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; redirects are not followed."""
        return HTTP.request(method, self.sandbox.url + path, **more)

    def control(self, method: str, path: str, json: object = None) -> Any:
        """Call ``/control/<path>``; gives the decoded answer, ``None`` when it has no body."""
        answer = self.call(method, f"/control/{path}", **({} if json is None else {"json": json}))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def consent(self, decision: str = "allow", **fields: str) -> dict[str, str]:
        """Send the consent page's form; what the browser is sent back with."""
        form = {"client_id": CLIENT["client_id"], "redirect_uri": RETURN, "decision": decision} | fields
        answer = self.call("POST", "/oauth", data=form)
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query, strict_parsing=True))

    def exchange(self, code: str, **fields: str) -> httpx.Response:
        return self.call("POST", "/auth/eagle/token", data={"code": code} | CLIENT | fields)

    def token(self) -> str:
        """A new token, got as an app gets one."""
        answer = self.exchange(self.consent()["code"])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def get(self, path: str, token: str, version: str | None = "2.16", **headers: str) -> httpx.Response:
        """GET with a token. ``version`` ``None`` names none."""
        named = {} if version is None else {"Intercom-Version": version}
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json"} | named | headers
        return self.call("GET", path, headers=sent)

    def admins(self, token: str, query: str = "", version: str = "2.16") -> list[dict[str, Any]]:
        """The list of teammates."""
        answer = self.get(f"/admins{query}", token, version)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert content["type"] == "admin.list"
        listed: list[dict[str, Any]] = content["admins"]
        return listed

    def fault(self, **order: Any) -> None:
        """Order a fault."""
        self.control("POST", "faults", order)

    def asked(self) -> list[dict[str, Any]]:
        """What the sandbox has noted, oldest first."""
        noted: list[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return noted


def problem_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error in Intercom's envelope."""
    content = answer.json()
    assert content["type"] == "error.list"
    (error,) = content["errors"]
    return answer.status_code, error["code"], error["message"]
