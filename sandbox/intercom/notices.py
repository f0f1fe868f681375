"""Notices that Intercom sends to an app when somebody joins the workspace or leaves it: signed, and tried twice."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response

from sandbox.control import as_json, order
from sandbox.faults import BadOrder
from sandbox.intercom.records import fields_of
from sandbox.intercom.workspace import Workspace
from sandbox.parts import Parts
from sandbox.store import Record

ADDED, REMOVED = "admin.added_to_workspace", "admin.removed_from_workspace"
HERE = ("127.0.0.1", "localhost")  # a sandbox talks to programs of its own machine only
ANSWER_WITHIN = 5.0  # seconds, as Intercom waits
AGAIN_AFTER = 60.0  # seconds until the one further try
KEPT = 100  # notices that can be looked at


@dataclass
class Notice:
    """One notice; ``answers`` holds the status of each try, ``None`` where none came."""

    id: str
    topic: str
    admin: str
    answers: list[int | None] = field(default_factory=list)


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """Where notices go, ``None`` for nowhere, and how many seconds after a failed try comes the other."""

    url: str | None
    again_after: float = AGAIN_AFTER


class Notices:
    """Sends notices while an address is set. The workspace does not wait for the answers."""

    def __init__(self, parts: Parts, workspace: Workspace) -> None:
        self._parts = parts
        self._workspace = workspace
        self._order = Order(None)
        self._sent: deque[Notice] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def state(self) -> dict[str, Any]:
        """What ``/control/notices`` shows: the order, and what was sent, newest last."""
        order = self._order
        return {"url": order.url, "again_after": order.again_after, "sent": list(self._sent)}

    def configure(self, given: Any) -> None:
        """Take an :class:`Order`. Raises :class:`BadOrder`."""
        try:
            order = msgspec.convert(given, Order)
            parts = urlsplit(order.url or "")
            fits = order.url is None or (
                parts.scheme == "http" and parts.hostname in HERE and parts.port != 0
            )
        except (msgspec.ValidationError, ValueError) as error:
            raise BadOrder(f"the address does not fit: {error}.") from error
        if not fits:
            raise BadOrder(
                "url must be an http address of this machine, such as http://127.0.0.1:8000/hooks/intercom, or null."
            )
        if not 0 <= order.again_after <= 3600:
            raise BadOrder("again_after must be from 0 to 3,600 seconds.")
        self._order = order

    def reset(self) -> None:
        """Send nothing, and forget what was sent."""
        self._order = Order(None)
        self._sent.clear()

    def tell(self, topic: str, record: Record | None) -> None:
        """Send a notice about a teammate, if there is one and anybody wants it."""
        order = self._order
        if record is None or order.url is None:
            return
        notice = Notice(f"notif_{secrets.token_hex(8)}-{next(self._numbers)}", topic, record.id)
        self._sent.append(notice)
        now = int(self._parts.clock.now())
        whole = {
            "type": "notification_event",
            "app_id": self._workspace.app()["id_code"],
            "topic": topic,
            "id": notice.id,
            "data": {"type": "notification_event_data", "item": _item(record)},
            "links": {},
            "delivery_status": "pending",
            "delivered_at": 0,
            "first_sent_at": now,
            "created_at": now,
            "self": None,
        }
        threading.Thread(target=self._deliver, args=(order, notice, whole), daemon=True).start()

    def _deliver(self, order: Order, notice: Notice, whole: dict[str, Any]) -> None:
        for attempt in (1, 2):
            body = msgspec.json.encode(whole | {"delivery_attempts": attempt})
            status = _post(order.url or "", body, self._parts.options.client_secret)
            notice.answers.append(status)
            if status is not None and 200 <= status < 300:
                return
            if attempt == 2 or self._parts.stopping.wait(order.again_after):
                return


def blueprint(notices: Notices) -> Blueprint:
    """``/control/notices``."""
    bp = Blueprint("notices", __name__, url_prefix="/control")

    @bp.get("/notices")
    def sent() -> Response:
        return as_json(notices.state())

    @bp.put("/notices")
    def send() -> Response:
        notices.configure(order())
        return as_json(notices.state())

    return bp


def _item(record: Record) -> dict[str, Any]:
    """A teammate as notices show one: the ID is a number, and the reason of an absence is a text."""
    fields = fields_of(record)
    hidden = ("role", "away_status_reason_id", "team_priority_level", "avatar")
    shown = {name: value for name, value in fields.items() if name not in hidden}
    avatar = {"type": "avatar", "image_url": fields.get("avatar")}
    return shown | {"id": int(record.id), "away_status_reason": "", "avatar": avatar}


def _post(url: str, body: bytes, secret: str) -> int | None:
    """Send it, signed with the app's secret; the status of the answer, ``None`` when there is none in time."""
    parts = urlsplit(url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "intercom-parrot-service-client/1.0",
        "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
    }
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
