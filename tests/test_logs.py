"""The log: one line for each record, whatever is in it."""

from __future__ import annotations

import logging
import re
import unicodedata

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from webapp.logs import OneLine, escape, init_logging, new_reference


def line(message: str, *values: object, exc_info: bool = False) -> str:
    """What the log says of a record."""
    record = logging.LogRecord("webapp.auth", logging.WARNING, "x.py", 1, message, values, None)
    if exc_info:
        try:
            raise ValueError("first\nsecond \x1b[2J")
        except ValueError as error:
            record.exc_info = (type(error), error, error.__traceback__)
    return OneLine().format(record)


def test_a_line_has_the_moment_the_level_the_place_and_the_reference() -> None:
    app = Flask(__name__)
    with app.test_request_context():
        g.request_id = "7F3A-91BC"
        said = line("sign-in failed for %s", "ines@example.com")
    moment, rest = said.split(" ", 1)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert rest == "WARNING webapp.auth [7F3A-91BC] sign-in failed for ines@example.com"
    assert " [-] " in line("outside of a request")


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


@given(st.text())
def test_whatever_is_logged_is_one_line_that_can_be_written(text: str) -> None:
    said = line("%s", text)
    assert len(said.splitlines()) == 1
    assert not [char for char in said if unicodedata.category(char) in ("Cc", "Cf", "Cs")]
    said.encode()


def test_a_story_is_told_on_the_same_line() -> None:
    said = line("it broke", exc_info=True)
    assert len(said.splitlines()) == 1
    assert "it broke | Traceback (most recent call last):\\n" in said
    assert said.endswith("ValueError: first\\nsecond \\x1b[2J")


def test_libraries_are_quiet_below_a_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, product = logging.getLogger(), logging.getLogger("webapp")
    kept = root.handlers[:], root.level, product.level
    try:
        init_logging()
        init_logging()  # twice is not two lines
        logging.getLogger("authlib.oauth2").debug("verifier=do-not-log-this")
        logging.getLogger("urllib3.connectionpool").info("a connection")
        logging.getLogger("sqlalchemy.engine").warning("a library's warning")
        logging.getLogger("webapp.sync").info("a word of ours")
        logging.getLogger("webapp.sync").debug("a detail of ours")
    finally:
        root.handlers[:] = kept[0]
        root.setLevel(kept[1])
        product.setLevel(kept[2])
    said = capsys.readouterr().err.splitlines()
    assert [one.split("] ")[1] for one in said] == ["a library's warning", "a word of ours"]


def test_a_reference_is_easy_to_read_out() -> None:
    references = {new_reference() for _ in range(1000)}
    assert len(references) == 1000
    assert all(re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", reference) for reference in references)


def test_the_address_is_that_of_the_connection_and_not_of_a_header(app: Flask) -> None:
    from webapp.logs import client_address

    with app.test_request_context(
        headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"},
        environ_base={"REMOTE_ADDR": "198.51.100.7"},
    ):
        assert client_address() == "198.51.100.7"
