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

from webapp.core.clock import ahead, has_come, now_in
from webapp.core.database import rows_changed, writing
from webapp.core.models import Integration, Person, Question, UserSync, utcnow
from webapp.core.models.question import OPEN_STATES
from webapp.core.trouble import trouble_of
from webapp.integrations.why.explain import MOST, Answer, explained, meant_by
from webapp.platforms.base import Call, ConnectorError
from webapp.sync.plan import load_known
from webapp.sync.plan.load_rule import salt_of
from webapp.sync.plan.prepare import check_account, prepare, without_settled
from webapp.sync.plan.types import IdentifierAbsent
from webapp.sync.run.lease import LONGEST_LEASE, kept
from webapp.sync.run.run import BuildConnector, NotRunnable

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=24)
MAX_ATTEMPTS = 3
PROGRESS_EVERY = 1.0  # seconds

WRONG = "Something went wrong on our side. Ask again, and tell support if it happens again."
GIVEN_UP = "The worker stopped in the middle each time it was tried. Ask again."

Load = Callable[[Question], tuple[Integration, UserSync, str]]


@dataclass(frozen=True)
class Ingredients:
    """What an answer needs from outside, as a run does."""

    engine: sa.Engine
    load: Load
    connector: BuildConnector
    lease: timedelta


@dataclass(frozen=True)
class _Taken:
    """A question as one worker took it: it may write for as long as the attempt is its own."""

    engine: sa.Engine
    question_id: int
    attempt: int
    lease: timedelta

    def write(self, **values: Any) -> None:
        """Write to the question, unless somebody else has it by now, and keep it."""
        with writing(), self.engine.begin() as connection:
            self._update(connection, "running", {"lease_expires_at": ahead(connection, self.lease)} | values)

    def take(self) -> bool:
        """Begin the attempt; whether it was there to be begun."""
        with writing(), self.engine.begin() as connection:
            lease_expires_at = ahead(connection, self.lease)
            begun = {"state": "running", "stage": "connect", "started_at": utcnow(), "calls": 0}
            return self._update(connection, "queued", begun | {"lease_expires_at": lease_expires_at})

    def give_back(self) -> None:
        """Let the next tick have it tried again."""
        with writing(), self.engine.begin() as connection:
            again = {"state": "queued", "attempt": self.attempt + 1, "lease_expires_at": None}
            self._update(connection, "running", again)

    def end(self, state: str, **values: Any) -> None:
        self.write(state=state, ended_at=utcnow(), lease_expires_at=None, **values)

    def _update(self, connection: sa.Connection, state: str, values: dict[str, Any]) -> bool:
        mine = sa.and_(
            Question.id == self.question_id, Question.attempt == self.attempt, Question.state == state
        )
        return connection.execute(sa.update(Question).where(mine).values(values)).rowcount == 1


def answer_question(question_id: int, attempt: int, use: Ingredients) -> None:
    """Carry out one attempt to answer a question. Harmless when it is not there to be taken any more."""
    taken = _Taken(use.engine, question_id, attempt, use.lease)
    if not taken.take():
        log.info("question %s attempt %s is not there to be answered", question_id, attempt)
        return
    try:
        with Session(use.engine) as session:
            question = session.get_one(Question, question_id)
            session.expunge(question)
        with kept(f"question-{question_id}", use.lease, taken.write):
            answer = _answer(question, use, taken)
        taken.end("answered", answer=msgspec.to_builtins(answer))
    except (ConnectorError, NotRunnable) as error:
        taken.end("failed", message=str(error)[:1000])
    except Exception as error:
        if not _passing(error, taken):
            log.exception("question %s failed", question_id)
            taken.end("failed", message=WRONG)
            raise
    log.info("question %s attempt %s: over", question_id, attempt)


def _passing(error: Exception, taken: _Taken) -> bool:
    """Whether ``error`` is trouble that passes: then the question is tried again, a few times."""
    trouble = trouble_of(error)
    if trouble is None:
        return False
    log.warning("question %s attempt %s: %s", taken.question_id, taken.attempt, trouble.sentence)
    try:
        if taken.attempt < MAX_ATTEMPTS:
            taken.give_back()
        else:
            taken.end("failed", message=f"{trouble.sentence} Ask again in a few minutes.")
    except sa.exc.SQLAlchemyError as another:
        if trouble_of(another) is None:
            raise
        log.warning("question %s: left to its lease", taken.question_id)
    return True


def _answer(question: Question, use: Ingredients, taken: _Taken) -> Answer:
    integration, settings, people_word = use.load(question)
    connector = use.connector(integration, _progress(taken))
    account = connector.account()
    check_account(account, integration)
    taken.write(stage="fetch")
    with use.engine.connect() as connection:
        salt = salt_of(connection, settings)
    everybody = connector.people(tuple, salt)
    taken.write(stage="match")
    with use.engine.connect() as connection:
        memory = load_known.remember(connection, integration.id)
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


def _progress(taken: _Taken) -> Callable[[Call], None]:
    """Counts calls in the question's row, now and then."""
    state = {"calls": 0, "next": 0.0}

    def note(_call: Call) -> None:
        state["calls"] += 1
        if time.monotonic() >= state["next"]:
            taken.write(calls=int(state["calls"]))
            state["next"] = time.monotonic() + PROGRESS_EVERY

    return note


def waiting(session: Session) -> list[tuple[int, int]]:
    """``(question, attempt)`` of those that no worker has begun yet, the oldest first."""
    rows = session.execute(
        sa.select(Question.id, Question.attempt).where(Question.state == "queued").order_by(Question.id)
    )
    return [(row.id, row.attempt) for row in rows]


def tidy(session: Session, now: datetime, lease: timedelta = LONGEST_LEASE) -> None:
    """Have what a dead worker left tried again, a few times, and forget what is past its day.

    Call inside a write transaction. ``now`` is by the clock that leases go by, ``lease`` how long one is.
    """
    dead = _dead(now, lease)
    rows_changed(
        session,
        sa.update(Question)
        .where(dead, Question.attempt >= MAX_ATTEMPTS)
        .values(state="failed", message=GIVEN_UP, ended_at=now, lease_expires_at=None),
    )
    rows_changed(
        session,
        sa.update(Question)
        .where(dead)
        .values(state="queued", attempt=Question.attempt + 1, lease_expires_at=None),
    )
    rows_changed(session, sa.delete(Question).where(Question.asked_at < now - LIFETIME))


def open_count(session: Session, integration_id: int, lease: timedelta = LONGEST_LEASE) -> int:
    """How many questions about an integration wait for their answer; those of dead workers do not count."""
    statement = sa.select(sa.func.count()).select_from(Question)
    mine = sa.and_(Question.integration_id == integration_id, Question.state.in_(OPEN_STATES))
    return session.scalar(statement.where(mine, ~_dead(now_in(session), lease))) or 0


def _dead(now: datetime, lease: timedelta) -> sa.ColumnElement[bool]:
    """Whether a worker began the question and is gone. Without a lease it is of the release before leases."""
    over = sa.or_(Question.lease_expires_at.is_(None), has_come(Question.lease_expires_at, now, 2 * lease))
    return sa.and_(Question.state == "running", over)
