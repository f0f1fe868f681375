"""Answering a question: connect, fetch, match as a run does, and write down only what it says about who is meant."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.connectors.base import Call, ConnectorError
from webapp.database import rows_changed, writing
from webapp.models import Integration, Person, Question, UserSync, utcnow
from webapp.models.question import OPEN_STATES
from webapp.sync import store
from webapp.sync.planning import check_account, prepare, without_settled
from webapp.sync.question import MOST, Answer, explained, meant_by
from webapp.sync.rules import salt_of
from webapp.sync.run import BuildConnector, NotRunnable
from webapp.sync.terms import IdentifierAbsent

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=15)  # longer than a job for it may last
PROGRESS_EVERY = 1.0  # seconds

Load = Callable[[Question], tuple[Integration, UserSync, str]]


@dataclass(frozen=True)
class Ingredients:
    """What an answer needs from outside, as a run does."""

    engine: sa.Engine
    load: Load
    connector: BuildConnector


def answer_question(question_id: int, use: Ingredients) -> None:
    """Answer a queued question. Harmless when it is not there to be answered any more."""
    with writing(), use.engine.begin() as connection:
        taken = connection.execute(
            sa.update(Question)
            .where(Question.id == question_id, Question.state == "queued")
            .values(state="running", stage="connect", started_at=utcnow())
        )
    if taken.rowcount != 1:
        log.info("question %s is not there to be answered", question_id)
        return
    try:
        with Session(use.engine) as session:
            question = session.get_one(Question, question_id)
            session.expunge(question)
        answer = _answer(question, use)
    except (ConnectorError, NotRunnable) as error:
        _write(use.engine, question_id, state="failed", message=str(error)[:1000], ended_at=utcnow())
    except Exception:
        log.exception("question %s failed", question_id)
        _write(
            use.engine,
            question_id,
            state="failed",
            message="Something went wrong on our side. Ask again, and tell support if it happens again.",
            ended_at=utcnow(),
        )
        raise
    else:
        _write(
            use.engine,
            question_id,
            state="answered",
            answer=msgspec.to_builtins(answer),
            ended_at=utcnow(),
        )
    log.info("question %s: ended", question_id)


def _answer(question: Question, use: Ingredients) -> Answer:
    integration, settings, people_word = use.load(question)
    connector = use.connector(integration, _progress(use.engine, question.id))
    account = connector.account()
    check_account(account, integration)
    _write(use.engine, question.id, stage="fetch")
    with use.engine.connect() as connection:
        salt = salt_of(connection, settings)
    everybody = connector.people(tuple, salt)
    _write(use.engine, question.id, stage="match")
    with use.engine.connect() as connection:
        memory = store.remember(connection, integration.id)
    fit, entries = meant_by(question.text, everybody)
    shown = entries[:MOST]
    said: dict[str, Any] = {
        "account": account.name,
        "found": everybody.found,
        "fit": fit,
        "more": len(entries) - len(shown),
        "column": settings.identifier_column,
    }
    try:
        prepared = prepare(
            use.engine,
            integration.contract_id,
            settings,
            without_settled(everybody, memory),
            memory,
            people_word,
        )
    except IdentifierAbsent as absent:
        people = explained(shown, everybody, None, None, (), {})
        return Answer(**said, people=people, absent=absent.columns[:30])
    linked = _linked(use.engine, integration.id, [entry.remote_id for entry in shown])
    people = explained(shown, everybody, prepared.plan, prepared.rule, prepared.users, linked)
    return Answer(**said, people=people)


def _linked(engine: sa.Engine, integration_id: int, remote_ids: list[str]) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(Person.remote_id, Person.user_id).where(
                Person.integration_id == integration_id,
                Person.remote_id.in_(remote_ids),
                Person.user_id.is_not(None),
            )
        )
        return {remote_id: user_id for remote_id, user_id in rows if user_id is not None}


def _progress(engine: sa.Engine, question_id: int) -> Callable[[Call], None]:
    """Counts calls in the question's row, now and then."""
    state = {"calls": 0, "next": 0.0}

    def note(_call: Call) -> None:
        state["calls"] += 1
        if time.monotonic() >= state["next"]:
            _write(engine, question_id, calls=int(state["calls"]))
            state["next"] = time.monotonic() + PROGRESS_EVERY

    return note


def _write(engine: sa.Engine, question_id: int, **values: Any) -> None:
    """Write to the question unless it was given up meanwhile."""
    with writing(), engine.begin() as connection:
        connection.execute(
            sa.update(Question).where(Question.id == question_id, Question.state == "running").values(values)
        )


def waiting(session: Session) -> list[int]:
    """The questions no worker has begun yet, the oldest first."""
    return list(
        session.scalars(sa.select(Question.id).where(Question.state == "queued").order_by(Question.id))
    )


def tidy(session: Session, now: datetime) -> None:
    """Give up what a dead worker left, and forget what is past its day. Call inside a write transaction."""
    rows_changed(
        session,
        sa.update(Question)
        .where(Question.state == "running", Question.started_at < now - GIVEN_UP_AFTER)
        .values(state="failed", message="The worker stopped in the middle. Ask again.", ended_at=now),
    )
    rows_changed(session, sa.delete(Question).where(Question.asked_at < now - LIFETIME))


def open_count(session: Session, integration_id: int) -> int:
    """How many questions about an integration wait for their answer."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Question)
            .where(Question.integration_id == integration_id, Question.state.in_(OPEN_STATES))
        )
        or 0
    )
