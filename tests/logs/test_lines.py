"""The log: one line for each record, whatever is in it, with the IDs of what it is about."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import unicodedata
from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

import config
from tests.actors import make_actor, make_contract
from tests.logs.records import fields, line, logging_to_stderr, raised
from webapp.core.logs import bind, escape, init_logging, new_reference, scope
from webapp.web import request_log
from webapp.web.access import public, requires


@pytest.fixture(autouse=True)
def _nothing_bound() -> Iterator[None]:
    with scope():
        bind(request=None, contract=None, account=None, run=None, job=None)
        yield


# ------------------------------------------------------------------ what a line has
def test_a_line_has_the_moment_the_level_the_place_and_the_reference() -> None:
    bind(request="7F3A-91BC", contract=3, account=None)
    said = line("sign-in failed (%s)", "3f2a91c4")
    moment, rest = said.split(" ", 1)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert rest == "WARNING webapp.accounts.sign_in [7F3A-91BC] sign-in failed (3f2a91c4) contract=3"
    bind(request=None, contract=None)
    assert " [-] outside of a request" in line("outside of a request")


def test_the_same_is_an_object_for_programs() -> None:
    bind(request="7F3A-91BC", contract=3, account=8)
    said = fields("denied: %s", "no", event="denied", status=403, password="not to be said")
    moment = said.pop("timestamp")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert said == {
        "level": "WARNING",
        "logger": "webapp.accounts.sign_in",
        "event": "denied: no",
        "request": "7F3A-91BC",
        "contract": 3,
        "account": 8,
        "kind": "denied",
        "status": 403,
    }


def test_what_is_bound_ends_with_its_scope() -> None:
    @scope()
    def job(number: int) -> dict[str, object]:
        bind(run=number)
        return fields("in it")

    bind(job="run-7-1")
    assert (job(7)["run"], job(8)["run"]) == (7, 8)
    assert "run" not in fields("after it")
    assert fields("after it")["job"] == "run-7-1"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_request_tells_who_asked_in_which_contract_and_the_next_one_knows_nothing_of_it(app: Flask) -> None:
    said: list[dict[str, object]] = []

    def tell(**_address: str) -> str:
        said.append(fields("here"))
        return ""

    app.add_url_rule("/c/<contract>/tell", "tell", requires()(tell))
    app.add_url_rule("/tell", "tell_anybody", public(lambda: tell()))
    contract_id = make_contract(app, "acme")
    ana = make_actor(app, contract_id, "administrator")
    answer = ana.get("/c/acme/tell")
    app.test_client().get("/tell")
    inside, next_one = said
    assert inside["request"] == answer.headers["X-Request-Id"]
    assert (inside["account"], inside["contract"]) == (ana.account_id, contract_id)
    assert next_one["request"] != inside["request"]
    assert not {"account", "contract"} & next_one.keys()


# ------------------------------------------------------------------ one line, and harmless
@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("tab\there", "tab\\there"),
        ("nul\0", "nul\\x00"),
        ("back\b", "back\\x08"),
        ("line\u2028separator\u2029", "line\\u2028separator\\u2029"),
        ("next\x85line", "next\\x85line"),
        ("right\u202eleft", "right\\u202eleft"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("half \ud800", "half \\ud800"),
        ("Zoë Müller, 東京 🎉", "Zoë Müller, 東京 🎉"),
    ],
)
def test_what_could_start_a_line_or_drive_a_terminal_is_spelled_out(text: str, escaped: str) -> None:
    assert escape(text) == escaped
    assert fields("%s", text)["event"] == escaped  # also for who takes the values out of the object


@given(st.text())
def test_A2_whatever_is_logged_wherever_it_is_one_line_that_can_be_written(text: str) -> None:
    bind(job=text)
    for form in ("text", "json"):
        said = line("%s", text, form=form, path=text, error=raised(RuntimeError(text)))
        assert len(said.splitlines()) == 1
        assert not [char for char in said if unicodedata.category(char) in ("Cc", "Cf", "Cs")]
        said.encode()
    assert json.loads(said)["level"] == "WARNING"


def test_a_story_is_told_on_the_same_line() -> None:
    story = raised(RuntimeError("first\nsecond \x1b[2J"))
    said = line("it broke", error=story)
    assert len(said.splitlines()) == 1
    assert "it broke | Traceback (most recent call last):\\n" in said
    assert said.endswith("RuntimeError: first\\nsecond \\x1b[2J")
    assert fields("it broke", error=story)["exception"].endswith("\nRuntimeError: first\nsecond \\x1b[2J")


def test_a_value_without_end_is_cut() -> None:
    said = fields("%s", "a" * 1_000_000, error=raised(RuntimeError("b" * 1_000_000 + "the end")))
    assert len(said["event"]) < 40_000
    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("the end")


# ------------------------------------------------------------------ every record of a program
@pytest.mark.parametrize("form", ["text", "json"])
def test_libraries_are_quiet_below_a_warning(capsys: pytest.CaptureFixture[str], form: str) -> None:
    with logging_to_stderr(LOG_FORMAT=form), logging_to_stderr(LOG_FORMAT=form):  # twice is not two lines
        logging.getLogger("authlib.oauth2").debug("verifier=do-not-log-this")
        logging.getLogger("urllib3.connectionpool").info("a connection")
        logging.getLogger("sqlalchemy.engine").warning("a library's warning")
        logging.getLogger("webapp.sync").info("a word of ours")
        logging.getLogger("webapp.sync").debug("a detail of ours")
    said = capsys.readouterr().err.splitlines()
    words = [json.loads(one)["event"] if form == "json" else one.split("] ")[1] for one in said]
    assert words == ["a library's warning", "a word of ours"]


def test_what_nobody_caught_is_a_record_too(capsys: pytest.CaptureFixture[str]) -> None:
    error = raised(RuntimeError("first\nsecond"))
    with logging_to_stderr(LOG_FORMAT="json"):
        sys.excepthook(type(error), error, error.__traceback__)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        logging.getLogger("webapp.sync").warning("%d people", "ana@example.com")  # cannot be formatted
    said = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    assert [one["level"] for one in said] == ["CRITICAL", "CRITICAL", "ERROR"]
    assert "ana@" not in str(said)
    assert "could not be written" in said[2]["event"]


@pytest.mark.parametrize(
    ("environ", "form"),
    [
        ({}, "text"),
        ({"ROLLCALL_MODE": "demo"}, "text"),
        ({"ROLLCALL_MODE": " Production "}, "json"),
        ({"ROLLCALL_MODE": "production", "LOG_FORMAT": "text"}, "text"),
        ({"LOG_FORMAT": "JSON"}, "json"),
    ],
)
def test_production_writes_objects_unless_told_otherwise(environ: dict[str, str], form: str) -> None:
    assert config.log_format(environ) == form


def test_another_form_is_refused_in_one_sentence() -> None:
    with pytest.raises(config.SettingsError, match="LOG_FORMAT is “xml”"):
        init_logging(environ={"LOG_FORMAT": "xml"})


def test_a_reference_is_easy_to_read_out() -> None:
    references = {new_reference() for _ in range(1000)}
    assert len(references) == 1000
    assert all(re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", reference) for reference in references)


def test_the_address_is_that_of_the_connection_and_not_of_a_header(app: Flask) -> None:
    with app.test_request_context(
        headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"},
        environ_base={"REMOTE_ADDR": "198.51.100.7"},
    ):
        assert request_log.client_address() == "198.51.100.7"
