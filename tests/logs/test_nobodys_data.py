"""The whole log of the real programs after everything that people do: nobody is in it, and no secret is."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.logs.visitor import Visitor
from tests.servers.local import HTTP
from tests.servers.mail import Mailbox, mail_server
from tests.servers.processes import wait_until
from tests.servers.receiver import Receiver, receiver_server
from tests.servers.stack import Stack

DEMO = "rollcall-demo-2026"
MISTYPED = "my-password-in-the-wrong-field"
CHOSEN = "plain kettle rowing far"
DEMO_ONE = "contract_id = (SELECT id FROM contracts WHERE slug = 'demo')"
PROGRAMS = ("web", "worker", "scheduler")


@dataclass
class Told:
    """What was logged, and what must not be in it."""

    lines: dict[str, list[str]]
    people: set[str]
    secrets: set[str]
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [json.loads(line) for line in lines] for name, lines in self.lines.items()}

    def all(self) -> str:
        return "\n".join(line for lines in self.lines.values() for line in lines)


class Day:
    """What happens before the log is read, by those who do it."""

    def __init__(self, stack: Stack, mailbox: Mailbox, receiver: Receiver) -> None:
        self.stack, self.mailbox, self.receiver = stack, mailbox, receiver
        self.browsers: list[Visitor] = []
        self.secrets: set[str] = {MISTYPED, CHOSEN, DEMO}

    def visitor(self) -> Visitor:
        self.browsers.append(Visitor(self.stack.url))
        return self.browsers[-1]

    def signed_in(self, email: str) -> Visitor:
        visitor = self.visitor()
        visitor.sign_in(email, DEMO)
        return visitor

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.stack.data_dir / "rollcall.db")) as database:
            return database.execute(query).fetchall()

    def wait(self, query: str, reached: Callable[[list[tuple[Any, ...]]], bool]) -> None:
        wait_until(lambda: reached(self.rows(query)), 90, self.stack.program)

    def mailed(self, to: str) -> str:
        """The path of the personal link that was mailed to somebody."""
        found: list[str] = []

        def arrived() -> bool:
            texts = [mail.get_content() for mail in self.mailbox.mails if to in mail["To"]]
            found[:] = [
                link
                for text in texts
                for link in re.findall(r"http://127\.0\.0\.1:\d+(/\S*token=[\w-]+)", text)
            ]
            return bool(found)

        wait_until(arrived, 90, self.stack.program)
        self.secrets.add(found[-1].partition("token=")[2])
        return found[-1]

    # -------------------------------------------------------------- what people do
    def sign_ins_that_fail(self) -> None:
        for email, password in (
            ("admin@demo.test", "a wrong password"),
            (MISTYPED, "a wrong password"),
            ("stranger.person@nowhere.example", DEMO),
        ):
            assert self.visitor().sign_in(email, password).status_code == 401
        self.visitor().get(f"/sign-in?next=/c/demo/users?q=Sam+Reyes&password={MISTYPED}")

    def connecting(self, admin: Visitor) -> None:
        values = {"csrf_token": admin.token(), "site": "us"}
        answer = admin.post("/c/demo/integrations/platforms/intercom/connect", values)
        asked = dict(parse_qsl(urlsplit(answer.location).query))
        self.secrets.add(asked["state"])
        allowed = HTTP.post(answer.location, data=asked | {"decision": "allow"})
        back = urlsplit(allowed.headers["Location"])
        self.secrets.update(dict(parse_qsl(back.query)).values())
        assert "Intercom" in admin.page(f"{back.path}?{back.query}").text
        admin.get(f"{back.path}?error=access_denied&error_description=Sam+Reyes&state=none")

    def importing(self, admin: Visitor) -> None:
        admin.send("/c/demo/integrations/platforms/intercom/user-sync/enable")
        self.wait("SELECT count(*) FROM users WHERE status = 'pending'", lambda rows: rows == [(203,)])

    def activating(self, manager: Visitor) -> str:
        people = self.rows(
            "SELECT id, email FROM users WHERE status = 'pending' AND email <> '' ORDER BY id LIMIT 2"
        )
        ids = "&ids=".join(str(user_id) for user_id, _ in people)
        form = manager.page(f"/c/demo/users/activate?status=pending&ids={ids}").form("/activate/confirm")
        ((role,),) = self.rows(f"SELECT id FROM roles WHERE key = 'agent' AND {DEMO_ONE}")
        ((team,),) = self.rows(f"SELECT id FROM teams WHERE name = 'Billing' AND {DEMO_ONE}")
        done = form.fill(roles=[role], team=team, confirm="y", invite="y").send("Activate")
        assert "invitations are on their way" in done.notices
        return str(people[0][1])

    def accepting(self, email: str) -> None:
        guest = self.visitor()
        page = guest.page(self.mailed(email))
        guest.seen.add(CHOSEN)
        assert "password" in page.response.text
        assert page.form("/invitation").fill(new_password=CHOSEN).send("Accept").response.status_code == 200

    def resetting(self, email: str) -> None:
        self.mailbox.received.clear()
        self.visitor().send("/forgot-password", email=email)
        self.visitor().send("/forgot-password", email=MISTYPED)
        self.visitor().page(self.mailed(email)).form("/reset-password").fill(password=f"{CHOSEN} 2").send(
            "Set"
        )

    def uploading(self, manager: Visitor) -> None:
        rows = ("Ursula Uploaded,ursula.uploaded,ursula@uploaded.example", "Bad Row,ana,no mail")
        file = "\r\n".join(["name,username,email", *rows, ""])
        answer = manager.post(
            "/c/demo/users/upload",
            {"csrf_token": manager.token()},
            files={"file": ("Ursula Uploaded.csv", file)},
        )
        assert "Ursula Uploaded" in manager.page(answer.location).root.text
        manager.get("/c/demo/users?status=active&q=Sam+Reyes")

    def failing(self, admin: Visitor) -> None:
        """Syncs that the platform spoils, also with a record where an error is due."""
        control = f"{self.stack.sandbox_url}/control/faults"
        listed = "INSERT (Sam Reyes, sam.reyes@kestrel.example)"
        for fault in (
            {
                "path": "/admins",
                "kind": "status",
                "status": 400,
                "code": listed,
                "message": listed,
                "times": 1,
            },
            {"path": "/admins", "kind": "truncate", "times": 4},
            {"path": "/admins", "kind": "wrong-json", "times": 1},
        ):
            HTTP.post(control, json=fault).raise_for_status()
            admin.send("/c/demo/integrations/platforms/intercom/user-sync/sync-now")
            self.wait(
                "SELECT count(*) FROM sync_runs WHERE state IN ('queued', 'running')",
                lambda rows: rows == [(0,)],
            )
        assert self.rows("SELECT count(*) FROM sync_runs WHERE state = 'failed'") == [(3,)]

    def telling_others(self, admin: Visitor) -> None:
        """Events for a webhook whose address is a secret: delivered, refused, not to be reached."""
        for number, (port, answers) in enumerate(
            ((self.receiver.port, 200), (self.receiver.port, 500), (9, 0)), start=1
        ):
            self.receiver.answers[:] = [answers]
            url = f"http://127.0.0.1:{port}/hooks/T0KEN-{number}/s3cret?key=s3cret"
            answer = admin.send("/c/demo/webhook", url=url, events=["run.failed"])
            self.secrets.update(re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.text))
            admin.send("/c/demo/webhook/test")
            self.wait(
                "SELECT count(*) FROM webhook_deliveries WHERE tried_at IS NOT NULL",
                lambda rows: rows == [(1,)],
            )
            if number < 3:
                admin.send("/c/demo/webhook/remove")
        self.secrets.update({"T0KEN", "s3cret"})

    def mails_that_are_refused(self, email: str) -> None:
        self.mailbox.answers["RCPT"] = f"550 <{email}> Sam Reyes is no longer here"
        self.visitor().send("/forgot-password", email="manager@demo.test")
        self.wait("SELECT count(*) FROM messages WHERE state = 'failed'", lambda rows: rows >= [(1,)])

    def looking(self, admin: Visitor) -> None:
        for path in ("users.csv", "audit/export"):
            admin.send(f"/c/demo/{path}", q="Sam Reyes", status="pending")
        admin.get("/c/demo/audit?q=Sam+Reyes")
        admin.get("/c/demo/users/999999")
        self.visitor().get("/c/demo/users")


@pytest.fixture(scope="module")
def told(start_stack: Callable[..., Stack]) -> Iterator[Told]:
    with mail_server() as mailbox, receiver_server() as receiver:
        stack = start_stack(
            LOG_FORMAT="json",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(mailbox.port),
            SMTP_SECURITY="none",
            MAIL_FROM="rollcall@example.com",
            SYNC_TICK_SECONDS="1",
        )
        day = Day(stack, mailbox, receiver)
        day.sign_ins_that_fail()
        admin, manager = day.signed_in("admin@demo.test"), day.signed_in("manager@demo.test")
        day.connecting(admin)
        day.importing(admin)
        invited = day.activating(manager)
        day.accepting(invited)
        day.resetting(invited)
        day.uploading(manager)
        day.telling_others(admin)
        day.failing(admin)
        day.mails_that_are_refused("manager@demo.test")
        day.looking(admin)
        yield read(day)


def read(day: Day) -> Told:
    people = {"Sam Reyes", "Ursula Uploaded", "ursula.uploaded", "stranger.person"}
    for table, columns in (
        ("users", ("name", "username", "email")),
        ("people", ("name", "email")),
        ("accounts", ("name", "email")),
        ("messages", ("recipient",)),
    ):
        for row in day.rows(f"SELECT {', '.join(columns)} FROM {table}"):
            people.update(str(value) for value in row if value)
    secrets = day.secrets.union(*(browser.seen for browser in day.browsers))
    for name in ("secret_key", "credential_keys"):
        secrets.add((day.stack.data_dir / name).read_text().strip())
    secrets |= {"rollcall-sandbox-secret"}
    ((contract,),) = day.rows("SELECT id FROM contracts WHERE slug = 'demo'")
    ((admin,),) = day.rows("SELECT id FROM accounts WHERE email = 'admin@demo.test'")
    folder = day.stack.data_dir / "log"
    lines = {name: (folder / f"{name}.log").read_text().splitlines() for name in PROGRAMS}
    return Told(
        lines, people, {one for one in secrets if len(one) > 5}, {"contract": contract, "account": admin}
    )


def test_every_line_of_every_program_is_one_record(told: Told) -> None:
    for name, records in told.records.items():
        for record in records:
            assert {"timestamp", "level", "logger", "event"} <= record.keys(), name
    assert len(told.records["web"]) > 80
    assert len(told.records["worker"]) > 8


def test_A9_nobody_is_named_in_the_log(told: Told) -> None:
    assert len(told.people) > 400
    log = told.all().lower()
    assert sorted(one for one in told.people if one.lower() in log) == []


def test_A9_no_secret_is_in_the_log(told: Told) -> None:
    assert len(told.secrets) > 30
    log = told.all()
    assert sorted(one for one in told.secrets if one in log) == []


def test_the_records_say_by_ids_what_they_are_about(told: Told) -> None:
    asked = [one for one in told.records["web"] if one["logger"] == "gunicorn.access"]
    assert all(re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", one["request"]) for one in asked)
    known = [one for one in asked if one["path"] == "/c/demo/audit/export"]
    assert [(one["contract"], one["account"], one["status"]) for one in known] == [
        (told.ids["contract"], told.ids["account"], 200)
    ]
    denied = [one for one in told.records["web"] if one.get("kind") == "denied"]
    assert len({one["event"] for one in denied if "sign-in failed" in one["event"]}) == 3
    runs = [one for one in told.records["worker"] if one["logger"] == "webapp.sync.run.run"]
    assert len({one["run"] for one in runs}) >= 4
    assert all({"job", "contract", "account"} <= one.keys() for one in runs)
    assert [one for one in told.records["worker"] if "refused (550)" in one["event"]]


def test_what_is_searched_would_be_found(told: Told) -> None:
    """The tests above are worth something: the programs have written about these very things."""
    words = told.all()
    for trace in (
        "/callback",
        "/reset-password",
        "/invitation",
        "/c/demo/users/upload",
        "/c/demo/webhook/test",
    ):
        assert trace in words
