"""The story of an exception for the log: where it happened and why, without the data that it happened to.

A traceback never shows the values of variables. Texts of exceptions are taken as they are only where they cannot hold
what somebody typed, is called, or keeps secret: those of libraries that quote values are put in other words here, and
whatever looks like an email or the query of an address is masked in every record.
"""

from __future__ import annotations

import re
import smtplib
import traceback
from collections.abc import Callable
from textwrap import indent

import msgspec
import psycopg
import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError

from webapp.core.postgres_errors import postgres_text

CAUSED = "\n\nThe above exception was the direct cause of the following exception:\n\n"
MEANWHILE = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
LINKS = 20  # exceptions of one chain that are told
# Packages whose texts hold whole addresses with what is secret in them; the OSError that led to one says why.
SILENT = frozenset({"requests", "urllib3"})

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]{1,64}@[\w.\-]{1,255}")
_QUERY = re.compile(r"(?<=[\w/%.~-])\?[^\s\"')\]>]{1,8000}")
_SIGNED_IN = re.compile(r"(?<=://)[^\s/@]{1,500}@")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def masked(text: str) -> str:
    """``text`` with emails, the queries of addresses and who signs in there left out."""
    if "@" in text:
        text = _EMAIL.sub("(email)", _SIGNED_IN.sub("(secret)@", text))
    return _QUERY.sub("?…", text) if "?" in text else text


def story(error: BaseException, told: tuple[int, ...] = ()) -> str:
    """The traceback of ``error`` with those of what led to it, the first one first."""
    told = (*told, id(error))
    cause, context = error.__cause__, None if error.__suppress_context__ else error.__context__
    before = cause or context
    text = ""
    if before is not None and id(before) not in told and len(told) < LINKS:
        text = story(before, told) + (CAUSED if cause is not None else MEANWHILE)
    if error.__traceback__ is not None:
        text += "Traceback (most recent call last):\n" + "".join(traceback.format_tb(error.__traceback__))
    text += f"{_name_of(type(error))}: {text_of(error)}".removesuffix(": ")
    if isinstance(error, BaseExceptionGroup):
        text += "".join(f"\n{indent(story(one, told), '  ')}" for one in error.exceptions[:LINKS])
    return text


def text_of(error: BaseException) -> str:
    """What ``error`` says, as far as it may be kept."""
    if type(error).__module__.partition(".")[0] in SILENT:
        return ""
    words = next((words for kinds, words in _WORDS if isinstance(error, kinds)), None)
    try:
        return masked(str(error)) if words is None else words(error)
    except Exception:  # noqa: BLE001 - an exception that cannot be told is no reason for another
        return "(it cannot be told)"


def _name_of(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _statement(error: sa.exc.StatementError) -> str:
    """The statement without its values; its own words repeat those of the driver, which may quote them."""
    reason = error.orig
    said = f"({_name_of(type(reason))}) {text_of(reason)}" if reason is not None else "(no reason given)"
    return f"{said}\n[SQL: {error.statement}]"


def _refused(error: smtplib.SMTPRecipientsRefused) -> str:
    return ", ".join(str(code) for code, _ in error.recipients.values())


def _key(error: KeyError) -> str:
    return str(error) if error.args and isinstance(error.args[0], int) else "(a value)"


_WORDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[..., str]], ...] = (
    (psycopg.Error, postgres_text),
    (sa.exc.StatementError, _statement),
    (smtplib.SMTPRecipientsRefused, _refused),
    (smtplib.SMTPResponseException, lambda error: str(error.smtp_code)),
    (KeyError, _key),
    (AuthlibBaseError, lambda error: str(error.error)),
    (UnicodeError, lambda error: masked(str(error))),
    ((ValueError, msgspec.MsgspecError), lambda error: masked(_QUOTED.sub("(a value)", str(error)))),
)
