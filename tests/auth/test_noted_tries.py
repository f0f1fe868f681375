"""What the audit log and the log keep of tries by who is not signed in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import PASSWORD, Actor, csrf_of
from tests.auth.form import EMAIL, attempt
from tests.mails import everything_stored
from webapp.accounts.sign_in import audit as sign_in_audit
from webapp.core.models import AuditEvent, db, utcnow


def test_A17_what_is_typed_where_there_is_no_account_is_kept_nowhere(
    app: Flask, ines: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    """People type their password into the wrong field."""
    typed = "correct-horse-battery@staple.example"
    for email in (typed, typed.upper(), "another@example.org"):
        attempt(app.test_client(), "wrong password here", email=email)
    client = app.test_client()
    form = {"csrf_token": csrf_of(client.get("/forgot-password")), "email": typed}
    assert client.post("/forgot-password", data=form).status_code == 200
    assert "horse" not in everything_stored(app).lower()
    assert "horse" not in caplog.text.lower()
    with app.app_context():
        targets = db.session.scalars(
            sa.select(AuditEvent.target)
            .where(AuditEvent.action.in_(["account.sign_in_failed", "account.reset_asked"]))
            .order_by(AuditEvent.id)
        ).all()
    assert all(re.fullmatch(r"an email without an account \([0-9a-f]{12}\)", target) for target in targets)
    assert targets[0] == targets[1] == targets[3] != targets[2]  # it is seen that it was the same one


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_A17_a_stranger_writes_few_rows_however_often_they_try(app: Flask, ines: Actor, email: str) -> None:
    def rows() -> list[AuditEvent]:
        with app.app_context():
            return list(
                db.session.scalars(
                    sa.select(AuditEvent)
                    .where(AuditEvent.action == "account.sign_in_failed")
                    .order_by(AuditEvent.id)
                )
            )

    def tries(network: int) -> None:
        for number in range(15):
            typed = email if email == EMAIL else f"{number}{email}"
            client = app.test_client()
            client.environ_base["REMOTE_ADDR"] = f"198.51.{network}.{number}"
            assert attempt(client, "wrong password here", email=typed).status_code == 401

    tries(100)
    assert len(rows()) == sign_in_audit.MOST_TRIES == 10
    assert [row.details for row in rows()[:-1]] == [None] * 9
    assert rows()[-1].details == {"more": "Further tries within the hour are in the log of the server."}
    assert {row.target_id for row in rows()} == {ines.account_id if email == EMAIL else None}
    assert attempt(app.test_client(), PASSWORD).status_code == 303


def test_A17_rows_are_written_again_an_hour_later(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_audit, "MOST_TRIES", 1)
    attempt(app.test_client(), "wrong password here")
    attempt(app.test_client(), "wrong password here")
    monkeypatch.setattr(sign_in_audit, "utcnow", lambda: utcnow() + timedelta(hours=1, seconds=1))
    attempt(app.test_client(), "wrong password here")
    with app.app_context():
        failed = sa.select(sa.func.count()).where(AuditEvent.action == "account.sign_in_failed")
        assert db.session.scalar(failed) == 2
