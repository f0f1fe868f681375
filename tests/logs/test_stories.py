"""What the log and everybody else is told of an exception: where and why, and nothing of whom it happened to."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
import requests
import rq
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

import config
from tests.actors import make_actor, make_contract
from tests.logs.records import fields, line, raised
from webapp.core.database import write_connection, write_transaction
from webapp.core.logs.stories import masked, story
from webapp.core.models import Account, db, table_of
from webapp.jobs.worker import AppWorker
from webapp.queue import wake
from webapp.queue.jobs import CHORES, FIND_DOUBLES

EMAIL = "ines.alvarez@example.com"
NAME = "Inés Álvarez-Whitfield"
PHONE = "+44 7700 900123"
THEIRS = (EMAIL, "ines.alvarez", NAME, PHONE)


def everything_of(error: BaseException) -> str:
    """All that anybody could show, store or log of an error and of those that led to it."""
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(before)
    found = [line("it broke", error=error), story(error)]
    for one in chain:
        found += [str(one), repr(one), str(one.args)]
    return "\n".join(found)


def a_unique_key(connection: sa.Connection) -> None:
    table = table_of(Account)
    values = {"email": EMAIL, "email_key": EMAIL, "name": NAME, "theme": "system"}
    connection.execute(sa.insert(table).values(**values))
    connection.execute(sa.insert(table).values(**values))


def a_missing_value(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("INSERT INTO accounts (email, name, email_key) VALUES (:email, :name, NULL)"),
        {"email": EMAIL, "name": NAME},
    )


MISSING = {"a": 4242, "b": 4243, "c": 4244}  # not in the statement's own lines, which a traceback shows


def a_missing_row(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("INSERT INTO user_roles (contract_id, user_id, role_id) VALUES (:a, :b, :c)"),
        MISSING,
    )


def a_value_that_is_no_number(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT CAST(:v AS integer) FROM accounts"), {"v": EMAIL})
    connection.execute(sa.text("SELECT CAST(CAST(:v AS text) AS integer)"), {"v": f'{NAME}" {PHONE}'})


def a_value_that_is_no_json(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("SELECT CAST(CAST(:v AS text) AS jsonb)"), {"v": f'{{"name": {NAME} {EMAIL}}}'}
    )


def a_value_that_is_too_long(connection: sa.Connection) -> None:
    values = {"email": EMAIL, "email_key": EMAIL, "name": NAME * 100, "theme": "system"}
    connection.execute(sa.insert(table_of(Account)).values(**values))
    connection.execute(sa.text("SELECT no_such_column FROM accounts WHERE name = :name"), {"name": NAME})


def a_value_that_the_driver_refuses(connection: sa.Connection) -> None:
    connection.execute(sa.select(Account.id).where(Account.name == f"{NAME}\0"))
    connection.execute(sa.text("SELECT :v"), {"v": {EMAIL: object()}})


BREAKS = [
    a_unique_key,
    a_missing_value,
    a_missing_row,
    a_value_that_is_no_number,
    a_value_that_is_no_json,
    a_value_that_is_too_long,
    a_value_that_the_driver_refuses,
]


def breaking(way: Callable[[sa.Connection], None]) -> None:
    with write_connection() as connection:
        way(connection)
        connection.execute(sa.text("SELECT nothing_of_that_name"))  # what SQLite let pass


@pytest.mark.parametrize("way", BREAKS, ids=lambda way: way.__name__)
def test_A9_an_error_of_the_database_holds_no_value_wherever_it_goes(
    app: Flask, way: Callable[[sa.Connection], None]
) -> None:
    with app.app_context(), pytest.raises(sa.exc.SQLAlchemyError) as caught:
        breaking(way)
    told = everything_of(caught.value)
    assert not [word for word in THEIRS if word in told], told
    assert not [word for word in ("DETAIL", "CONTEXT", "4243", "parameters:") if word in told]
    assert "[SQL: " in told


def test_A9_nor_one_that_the_session_of_a_request_raises(app: Flask) -> None:
    with (
        app.app_context(),
        pytest.raises(sa.exc.IntegrityError) as caught,
        write_transaction() as session,
    ):
        session.add_all([Account(email=EMAIL, email_key=EMAIL, name=NAME) for _ in range(2)])
    told = everything_of(caught.value)
    assert not [word for word in THEIRS if word in told]
    assert "email_key" in told  # which rule it was


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_A9_nor_one_of_the_role_that_migrates(
    settings: config.Settings, app: Flask, postgres_owner_url: str
) -> None:
    from webapp.core.database_roles import migrating_engine

    owner = config.normal_database_url(postgres_owner_url)
    with (
        app.app_context(),
        migrating_engine(replace(settings, migrations_database_url=owner)) as engine,
        pytest.raises(sa.exc.IntegrityError) as caught,
        engine.begin() as connection,
    ):
        a_unique_key(connection)
    assert not [word for word in (*THEIRS, "DETAIL") if word in everything_of(caught.value)]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_what_the_database_says_of_the_rule_is_still_there(app: Flask) -> None:
    with app.app_context(), pytest.raises(sa.exc.IntegrityError) as caught, write_connection() as connection:
        a_unique_key(connection)
    assert isinstance(caught.value.orig, psycopg.errors.UniqueViolation)
    assert str(caught.value.orig).startswith("duplicate key value violates unique constraint ")
    assert fields("it broke", error=caught.value)["exception"].count("duplicate key value") == 2


# ------------------------------------------------------------------ other libraries
# Apart from the lines that raise, because a traceback shows those.
HOOK = f"http://127.0.0.1:9/hooks/T0KEN/s3cret?code=s3cret&who={EMAIL}"
WITH_PASSWORD = f"https://ines:s3cret@{EMAIL[13:]}/x?code=s3cret"
REFUSED = f"no {NAME} s3cret".encode()
ERRORS = {
    "a page that cannot be reached": lambda: requests.get(HOOK, timeout=1),
    "an address with a password": lambda: raised(RuntimeError(f"no way to {WITH_PASSWORD}")),
    "a mail that is refused": lambda: raised(
        smtplib.SMTPRecipientsRefused({EMAIL: (550, f"<{EMAIL}> {NAME}".encode())})
    ),
    "a sender that is refused": lambda: raised(smtplib.SMTPSenderRefused(550, f"no {NAME}".encode(), EMAIL)),
    "what the mail server says": lambda: raised(smtplib.SMTPDataError(554, REFUSED)),
    "a key that is not there": lambda: {}[NAME],
    "a number that is none": lambda: int(f"{NAME} {EMAIL}"),
    "a value that is not in a list": lambda: [].index(NAME) or raised(ValueError(f"{NAME!r} is not in list")),
    "several at once": lambda: raised(ExceptionGroup("several", [KeyError(NAME), ValueError(f"'{NAME}'")])),
}


@pytest.mark.parametrize("what", ERRORS)
def test_A9_what_libraries_quote_is_left_out(what: str) -> None:
    try:
        error = ERRORS[what]()
    except Exception as caught:
        error = caught
    assert isinstance(error, BaseException)
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("the run failed") from inner
    except RuntimeError as outer:
        told = line("it broke", error=outer) + story(outer) + json.dumps(fields("it broke", error=outer))
    assert not [word for word in (*THEIRS, "s3cret", "T0KEN") if word in told], told
    assert "RuntimeError: the run failed" in told
    assert type(error).__name__ in told  # what it was is told


def test_A9_what_a_variable_holds_is_not_told() -> None:
    def fails(name: str) -> None:
        secret = f"{name} {EMAIL}"
        raise RuntimeError(f"{len(secret)} letters")

    with pytest.raises(RuntimeError) as caught:
        fails(NAME)
    assert NAME not in story(caught.value)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"for {EMAIL}: no", "for (email): no"),
        (f"<{EMAIL}>,zoë@müller.example", "<(email)>,(email)"),
        ("GET /callback?code=abc&state=d HTTP/1.1", "GET /callback?… HTTP/1.1"),
        ("with url: /x?token=abc (Caused by", "with url: /x?… (Caused by"),
        ("https://ana:pw@host/x", "https://(secret)@host/x"),
        ("why? because", "why? because"),
        ("Try again?", "Try again?"),
    ],
)
def test_A9_emails_and_queries_are_masked_in_every_record(said: str, kept: str) -> None:
    assert masked(said) == kept
    assert fields("%s", said, path=said) | {"timestamp": ""} == fields("%s", kept, path=kept) | {
        "timestamp": ""
    }


@given(st.text(), st.emails())
def test_no_email_gets_through_whatever_stands_around_it(text: str, email: str) -> None:
    assert email not in masked(f"{text} {email} {text}")


def test_masking_a_long_text_takes_steps_in_proportion_to_it() -> None:
    """Texts that make a careless pattern look again and again from every letter."""
    for text in ("a" * 200_000 + "@", "@" * 200_000, "a?" * 100_000, "://" * 100_000 + "@", "?" * 200_000):
        assert len(masked(text)) <= 600_000


def test_an_exception_that_cannot_be_told_is_told_by_its_name() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even that")

    assert story(raised(Broken())).endswith("Broken: (it cannot be told)")


def test_a_chain_in_a_circle_ends() -> None:
    first, second = raised(RuntimeError("one")), raised(RuntimeError("two"))
    first.__context__, second.__context__ = second, first
    assert story(first).count("RuntimeError: one") == 1


# ------------------------------------------------------------------ jobs
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_A9_nothing_of_a_job_that_fails_is_kept_in_redis(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class InThisProcess(rq.worker.SimpleWorker, AppWorker):
        pass

    def fails() -> None:
        raise RuntimeError(f"{NAME} {EMAIL}")

    monkeypatch.setattr("webapp.jobs.find_doubles", fails)
    with app.app_context():
        job = wake.queue(CHORES).enqueue(FIND_DOUBLES, job_id="find-doubles-1", failure_ttl=600)
        worker = InThisProcess(
            [wake.queue(CHORES)],
            connection=wake.connection(),
            serializer=job.serializer,
            job_class=wake.SafeJob,
        )
        worker.app = app
        worker.work(burst=True, logging_level="WARNING")
        assert job.latest_result() is None
        redis = wake.connection()
        stored = b"".join(redis.dump(key) or b"" for key in redis.scan_iter())
        assert not redis.exists(job.key)
    assert not [word for word in THEIRS if word.encode() in stored]
    failed = [record for record in caplog.records if "find-doubles-1 failed" in record.getMessage()]
    assert len(failed) == 1
    assert EMAIL not in line("it broke", error=failed[0].exc_info[1])  # type: ignore[index]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_A9_settings_and_what_holds_secrets_do_not_show_them(app: Flask, settings: config.Settings) -> None:
    mail = config.MailServer("mail.example.com", 25, "a@example.com", username="u", password="s3cret-mail")
    told = repr(replace(settings, mail=mail, intercom=config.OAuthClient("id", "s3cret-client")))
    make_actor(app, make_contract(app, "acme"), "administrator", email=EMAIL)
    with app.app_context():
        told += repr(db.session.scalars(sa.select(Account)).all()) + repr(db.engine.url)
    for secret in ("s3cret", settings.secret_key, settings.credential_keys[0], EMAIL):
        assert secret not in told
