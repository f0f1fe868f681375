"""What workers call: thin wrappers of use cases. Arguments are ids; a job may come twice or late."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import monotonic

import redis
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import undefer

from config import Settings
from webapp.core import heartbeat, logs
from webapp.core.clock import has_come, now_in
from webapp.core.database import write_transaction
from webapp.core.models import (
    ContractFeature,
    Integration,
    Message,
    Question,
    SyncRun,
    UserSync,
    WebhookDelivery,
    db,
    utcnow,
)
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.platform_webhooks import receive
from webapp.integrations.runs import recheck_requester
from webapp.integrations.why import answer as why_answer
from webapp.notifications.incidents import announce, reminders
from webapp.notifications.mail import delivery
from webapp.notifications.outbox import any_due
from webapp.notifications.webhooks import delivery as webhooks
from webapp.people.invitations.accept import still_opens
from webapp.people.leavers import rule as leavers
from webapp.people.merges import find_duplicates
from webapp.people.uploads import store as uploads
from webapp.platforms import registry
from webapp.platforms.base import Connector, Recorder
from webapp.platforms.platform import Opening
from webapp.platforms.tokens import token_of
from webapp.queue import wake as queue_wake
from webapp.queue.jobs import ANSWER, DELIVER_MAIL, DELIVER_WEBHOOKS, FIND_DOUBLES, KINDS
from webapp.queue.platform_waits import noting
from webapp.sync.run import preview
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.run import Ingredients, NotRunnable, run_sync
from webapp.sync.run.undo import undo_run
from webapp.sync.schedule import incidents, retention, schedule
from webapp.sync.schedule.pick_order import waiting

log = logging.getLogger(__name__)

STUCK_AFTER = timedelta(minutes=1)  # a claim follows within seconds once a worker took the job
WOKEN = (
    60  # jobs in the queue, or so many for each worker as it ends between two ticks: each goes on with more
)
WOKEN_EACH = 20
GOES_ON_FOR = (
    3.0  # seconds in which a job begins further runs, as a child for each would cost more than the run
)
AT_HAND = 64  # runs looked up at once to go on with
PLATFORMS_HERE = "platforms_read_here"  # in app.extensions: those that this worker reads, where not all


def run(run_id: int, attempt: int) -> None:
    """Carry out one attempt of a sync run, or of an undo, then for a moment those that wait."""
    run_id, attempt = int(run_id), int(attempt)
    until = monotonic() + GOES_ON_FOR
    _carry_out(run_id, attempt)
    if not _anything_waits():
        return
    try:
        big_at_once = max(1, queue_wake.workers() // 2)
    except redis.RedisError:
        log.warning("the queue is not reachable; what waits is gone on with by the next job")
        return
    while monotonic() < until and (more := _at_hand(big_at_once, run_id)):
        for other_id, other_attempt in more:
            if monotonic() >= until:
                return
            _carry_out(other_id, other_attempt)


@logs.scope()
def _carry_out(run_id: int, attempt: int) -> None:
    logs.bind(run=run_id)
    settings = _settings()
    session = db.session()
    session.rollback()
    waits = session.get(SyncRun, run_id)
    if waits is not None:
        logs.bind(contract=waits.contract_id, account=waits.requested_by_id)
    if waits is not None and recheck_requester.ended_unasked(waits, settings.product_name):
        db.session.remove()
        return
    undone = _undone_by(run_id)
    batches = Batches.growing_from(settings.batch_size)
    if undone is not None:
        undo_run(db.engine, *undone, attempt, lease=settings.lease, batches=batches)
    else:
        run_sync(
            run_id,
            attempt,
            Ingredients(
                db.engine,
                _load,
                _connector,
                lease=settings.lease,
                batches=batches,
            ),
        )
    db.session.remove()


def _anything_waits() -> bool:
    """Whether a run is queued. Asked first, as that is rare and spares everything else."""
    found = db.session.scalar(sa.select(sa.exists().where(SyncRun.state == "queued")))
    db.session.rollback()
    return bool(found)


def _at_hand(big_at_once: int, number: int) -> list[tuple[int, int]]:
    """Runs to go on with. Workers begin at different places, so that they seldom want the same one."""
    platforms = current_app.extensions.get(PLATFORMS_HERE)
    found = waiting(db.session(), AT_HAND, big_at_once=big_at_once, platforms=platforms)
    db.session.rollback()
    start = number * 17 % len(found) if found else 0
    return found[start:] + found[:start]


def answer(question_id: int, attempt: int = 1) -> None:
    """Carry out one attempt to answer a question about one person."""
    use = why_answer.Ingredients(db.engine, _load_question, _quick_connector, lease=_settings().lease)
    why_answer.answer_question(int(question_id), int(attempt), use)


def tick() -> None:
    """Make the runs that are due, take back those of dead workers, and wake workers for all that wait."""
    settings = _settings()
    now = utcnow()
    workers = _workers()
    with write_transaction() as session:
        done = schedule.tick(
            session, now_in(session), feature=INTEGRATIONS, every=settings.sync_every, lease=settings.lease
        )
        heartbeat.beat(session, heartbeat.WORKER, now)
        preview.forget_old(session, now)
        retention.remove_old_lines(session, now, settings.keep_lines)
        why_answer.tidy(session, now_in(session), settings.lease)
        uploads.tidy(session, now)
        questions = why_answer.waiting(session)
        first = waiting(session, max(WOKEN, WOKEN_EACH * workers), big_at_once=max(1, workers // 2))
        stuck = session.execute(
            sa.select(SyncRun.id, SyncRun.attempt).where(
                SyncRun.id.in_([run_id for run_id, _ in first]),
                has_come(SyncRun.queued_at, now - STUCK_AFTER, 2 * STUCK_AFTER),
            )
        ).all()
    try:
        in_list = queue_wake.waiting_runs()
        for run_id, attempt in stuck:
            if f"run-{run_id}-{attempt}" not in in_list:
                queue_wake.forget_stuck(run_id, attempt)
        woken = queue_wake.wake(first)
        for question_id, attempt in questions:
            queue_wake.wake_answer(question_id, attempt)
    except redis.RedisError:
        log.exception("tick: the queue is not reachable; the next tick tries again")
        woken = 0
    if done.due or woken:
        log.info(
            "tick: %s due, %s taken back, %s given up, %s woken",
            done.due,
            done.taken_back,
            done.given_up,
            woken,
        )
    chores = _tell(settings, now)
    leavers.carry_out_all(settings, now)
    try:
        for chore in chores:
            queue_wake.wake_chore(chore, now)
    except redis.RedisError:
        log.warning("tick: the queue is not reachable; what waits is done after the next tick")


def deliver_mail() -> None:
    """Send the mails that wait in the outbox."""
    sent = delivery.deliver(_settings(), still_opens)
    if sent:
        log.info("mail: %s sent", sent)


def deliver_webhooks() -> None:
    """Send the events that wait for webhooks."""
    arrived = webhooks.deliver(_settings())
    if arrived:
        log.info("webhooks: %s delivered", arrived)


def find_doubles() -> None:
    """Look for users who look like one human, where runs changed somebody."""
    looked = find_duplicates.find_wanted(db.engine)
    if looked:
        log.info("doubles: looked in %s contracts", looked)


def _tell(settings: Settings, now: datetime) -> list[str]:
    """Write the mails that are due; the chores that there is something to do for."""
    with write_transaction() as session:
        incidents.open_overdue(session, now, feature=INTEGRATIONS)
        announce.announce(session, settings, now)
        reminders.remind(session, settings, now)
        delivery.tidy(session, settings, now)
        webhooks.tidy(session, now)
        receive.tidy(session, now)
        events_wait = any_due(session, WebhookDelivery, now)
        doubles_wanted = find_duplicates.wanted(session)
        mail_waits = settings.mail is not None and any_due(session, Message, now)
    waiting_for = {
        DELIVER_MAIL: mail_waits,
        DELIVER_WEBHOOKS: events_wait,
        FIND_DOUBLES: doubles_wanted,
    }
    return [chore for chore, waits in waiting_for.items() if waits]


def _workers() -> int:
    """How many workers there are that read platforms, as far as is known."""
    try:
        return queue_wake.workers()
    except redis.RedisError:
        return 1


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _load(run_id: int) -> tuple[Integration, UserSync, SyncRun, str, str]:
    """The run, what it belongs to and the platform’s words, checked as it starts. Raises :class:`NotRunnable`."""
    session = db.session()
    session.rollback()
    run_row = session.get_one(SyncRun, run_id, options=[undefer(SyncRun.shown)], populate_existing=True)
    integration, sync = _ready(run_row.integration_id)
    platform = registry.PLATFORMS[integration.platform]
    return integration, sync, run_row, platform.people_word, platform.label


def _load_question(question: Question) -> tuple[Integration, UserSync, str]:
    """What a question is about. Raises :class:`NotRunnable`."""
    logs.bind(contract=question.contract_id)
    db.session.rollback()
    integration, sync = _ready(question.integration_id)
    return integration, sync, registry.PLATFORMS[integration.platform].people_word


def _ready(integration_id: int) -> tuple[Integration, UserSync]:
    """An integration that may be read now, and its settings. Raises :class:`NotRunnable`."""
    session = db.session()
    integration = session.get_one(Integration, integration_id, populate_existing=True)
    sync = session.get_one(UserSync, integration.id, populate_existing=True)
    feature = session.get(ContractFeature, (integration.contract_id, INTEGRATIONS))
    session.commit()
    if feature is None:
        raise NotRunnable("The feature Integrations is switched off for this contract.")
    if integration.connection != "connected":
        raise NotRunnable("The platform is not connected.")
    return integration, sync


def _undone_by(run_id: int) -> tuple[SyncRun, SyncRun] | None:
    """The undo ``run_id`` and the run that it takes back; ``None`` for any other run."""
    session = db.session()
    session.rollback()
    undo = session.get(SyncRun, run_id)
    undone = session.get_one(SyncRun, undo.undoes_id) if undo is not None and undo.undoes_id else None
    session.commit()
    if undo is None or undone is None:
        return None
    return undo, undone


def _connector(integration: Integration, record: Recorder) -> Connector:
    return registry.connector(
        integration.platform,
        Opening(
            integration.site or "",
            token_of(integration),
            _settings(),
            record,
            watch=noting(integration.id),
        ),
    )


def _quick_connector(integration: Integration, record: Recorder) -> Connector:
    """For a question, whose job may not last as long as that of a run."""
    opening = Opening(
        integration.site or "",
        token_of(integration),
        _settings(),
        record,
        seconds=KINDS[ANSWER].timeout * 0.75,
    )
    return registry.connector(integration.platform, opening)
