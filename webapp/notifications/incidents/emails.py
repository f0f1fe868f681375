"""The words of the mails: what happened, what did not change, what to do. Pure but for the addresses of pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from webapp.core.models import Contract, Incident, SyncRun
from webapp.notifications.mail.urls import page_address
from webapp.platforms.platform import Platform


@dataclass(frozen=True)
class Letter:
    """A subject and the text of a mail."""

    subject: str
    text: str


@dataclass(frozen=True)
class News:
    """An incident with what the words need to name. ``run`` is the one it showed in, as it is now.

    ``schedule``: planned, paused or off.
    """

    incident: Incident
    contract: Contract
    platform: Platform
    run: SyncRun | None
    pending: int
    last_success_at: datetime | None
    schedule: str
    product: str

    @property
    def label(self) -> str:
        return self.platform.label

    def page(self, endpoint: str, **values: object) -> str:
        return page_address(endpoint, contract=self.contract.slug, **values)

    def letter(self, subject: str, paragraphs: Sequence[str], link: str) -> Letter:
        return letter(self.product, self.contract, subject, paragraphs, link)


def letter(product: str, contract: Contract, subject: str, paragraphs: Sequence[str], link: str) -> Letter:
    """A whole mail: the paragraphs, the one page to go to, and how to get no more of these."""
    foot = (
        f"{product} sends this because you asked for such emails about {contract.name}, or because you are an "
        f"administrator there. Choose which emails you get: "
        f"{page_address('notify.index', contract=contract.slug)}"
    )
    return Letter(f"{contract.name}: {subject}", "\n\n".join([*paragraphs, link, "-- \n" + foot]) + "\n")


def beginning(news: News) -> Letter:
    """The mail that says that an incident began."""
    return _BEGINNINGS[news.incident.kind](news)


def end(news: News) -> Letter:
    """The mail that says that an incident is over."""
    return _ENDS[news.incident.kind](news)


def people_wait(product: str, contract: Contract, pending: int, oldest: datetime) -> Letter:
    """The weekly reminder."""
    return letter(
        product,
        contract,
        f"{people_are(pending)} waiting to be activated",
        [
            (
                f"{people_are(pending)} waiting in the pending list of {contract.name}, the first since "
                f"{_moment(oldest, contract)}."
            ),
            "They take no licence, cannot sign in, and have not been told anything.",
            "Activate those who should work here. This reminder comes once a week while somebody waits.",
        ],
        page_address("users.index", contract=contract.slug, status="pending"),
    )


def _broken(news: News) -> Letter:
    return news.letter(
        f"{news.label} is not connected any more",
        [
            news.incident.message,
            "Everyone imported stays as they are. The schedule is paused; nothing is lost.",
            f"Reconnect {news.label} to resume. You need to be signed in there as an administrator.",
        ],
        news.page("platforms.show", platform=news.platform.key),
    )


def _broken_end(news: News) -> Letter:
    return news.letter(
        f"{news.label} is connected again",
        [
            f"{news.label} was connected again on {_moment(_closed(news), news.contract)}. {_goes_on(news)}",
            "There is nothing for you to do.",
        ],
        news.page("platforms.show", platform=news.platform.key),
    )


def _goes_on(news: News) -> str:
    return {
        "planned": "User sync goes on by its schedule.",
        "paused": "The schedule stays paused until somebody resumes it.",
        "off": "User sync stays off until somebody enables it.",
    }[news.schedule]


def _held(news: News) -> Letter:
    return news.letter(
        f"A run of {news.label} is held",
        [
            news.incident.message,
            "Everyone stays as they are until somebody has decided.",
            "Look at the run, then approve or reject it. If the list there is wrong, correct it there first.",
        ],
        _run_page(news),
    )


def _held_end(news: News) -> Letter:
    run = news.run
    if news.incident.ended == "decided" and run is not None and run.decided_by:
        happened = (
            f"{run.decided_by} approved the run that was held, so it was let go on."
            if run.approved
            else f"{run.decided_by} rejected the run that was held. "
            + ("What was written before stays." if run.wrote else "Nothing of it was applied.")
        )
    else:
        happened = (
            f"A run of {news.label} has gone through since "
            f"({_moment(_closed(news), news.contract)}), so nothing is held any more."
        )
    return news.letter(
        f"The held run of {news.label} is settled",
        [happened, "There is nothing for you to do."],
        _run_page(news),
    )


def _overdue(news: News) -> Letter:
    since = (
        f"The last run that succeeded was on {_moment(news.last_success_at, news.contract)}"
        if news.last_success_at
        else "The first import has not succeeded yet"
    )
    return news.letter(
        f"User sync of {news.label} is overdue",
        [
            f"{since}. {news.product} promises a run every 6 hours, and 12 have passed.",
            "Everyone stays as they are. New people and new names are not brought in meanwhile.",
            (
                "See what the last run says and press Sync now. If no run starts, tell whoever runs the server: the "
                "scheduler or the worker may be down."
            ),
        ],
        news.page("user_sync.show", platform=news.platform.key),
    )


def _quarantine(news: News) -> Letter:
    return news.letter(
        f"Runs of {news.label} keep failing",
        [
            f"Several runs in a row have failed. The last one says: {news.incident.message}",
            "Everyone stays as they are. The next tries are further apart now, and the first that succeeds ends this.",
            "See what the last run says. Sync now tries at once.",
        ],
        news.page("user_sync.show", platform=news.platform.key),
    )


def _succeeds_again(news: News) -> Letter:
    subject = {
        "overdue": f"User sync of {news.label} is up to date again",
        "quarantine": f"Runs of {news.label} succeed again",
    }[news.incident.kind]
    return news.letter(
        subject,
        [
            f"A run succeeded on {_moment(_closed(news), news.contract)}. {_goes_on(news)}",
            "There is nothing for you to do.",
        ],
        news.page("user_sync.show", platform=news.platform.key),
    )


def _first_import(news: News) -> Letter:
    waiting = (
        f"{people_are(news.pending)} waiting for you: they take no licence and cannot sign in until somebody "
        "activates them."
        if news.pending
        else "Nobody is waiting to be activated."
    )
    return news.letter(
        f"The first import of {news.label} is done",
        [
            news.incident.message,
            waiting,
            (
                f"Nothing was changed in {news.label}, and nobody was told. From now on a run every 6 hours keeps the "
                "list up to date."
            ),
        ],
        news.page("users.index", status="pending"),
    )


def _run_page(news: News) -> str:
    if news.incident.run_id is None:
        return news.page("user_sync.show", platform=news.platform.key)
    return news.page("sync_status.run", run_id=news.incident.run_id)


def people_are(count: int) -> str:
    """“1 person is”, “2 people are”."""
    return "1 person is" if count == 1 else f"{count:,} people are"


def _closed(news: News) -> datetime:
    return news.incident.closed_at or news.incident.opened_at


def _moment(moment: datetime, contract: Contract) -> str:
    local = moment.astimezone(ZoneInfo(contract.time_zone))
    return f"{local.day} {local:%B %Y} at {local:%H:%M} ({contract.time_zone})"


_BEGINNINGS = {
    "broken": _broken,
    "held": _held,
    "overdue": _overdue,
    "quarantine": _quarantine,
    "first_import": _first_import,
}
_ENDS = {
    "broken": _broken_end,
    "held": _held_end,
    "overdue": _succeeds_again,
    "quarantine": _succeeds_again,
}
